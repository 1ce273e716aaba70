// Preloaded into the program: one of its calls to the system goes wrong.
//   SAPWOOD_FAULT       in which way: a name of kWays
//   SAPWOOD_FAULT_AT    which of the calls that can go wrong so, from 1; 0: none; -1: every second one
//   SAPWOOD_FAULT_LOG   a file for what went wrong: "CALL PATH"; without a fault, how many calls there were
//   SAPWOOD_FAULT_FILE  the file that is changed before the call, where that is the way
// Calls are made as system calls, so that the C library's own use of files is not counted.
#undef _FORTIFY_SOURCE  // it would declare bodies of the functions that this file defines
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

enum Kind : unsigned {
  kReads = 1,
  kWrites = 2,
  kOpens = 4,
  kCreates = 8,
  kSyncs = 16,
  kReserves = 32,
  kNames = 64,
  kMaps = 128,
  kLooks = 256,
  kCloses = 512,
  kAll = ~0U
};

struct Way {
  const char* name;
  unsigned kinds;                    // of calls that can go so
  int error;                         // errno of the call; 0: it is made
  int signal;                        // sent before the call
  void (*change)(const char* file);  // done to SAPWOOD_FAULT_FILE before the call
};

void write_garbage(const char* file) {
  const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT, 0600));
  constexpr char kGarbage[] = "\x01\x02 this is something else";
  (void)syscall(SYS_write, fd, kGarbage, sizeof kGarbage);
  syscall(SYS_close, fd);
}

void cut(const char* file) {
  struct stat status {};
  syscall(SYS_newfstatat, AT_FDCWD, file, &status, 0);
  syscall(SYS_truncate, file, status.st_size / 2);
}
void remove_file(const char* file) { syscall(SYS_unlinkat, AT_FDCWD, file, 0); }
void replace(const char* file) {
  remove_file(file);
  write_garbage(file);
}
void make_fifo(const char* file) {
  remove_file(file);
  syscall(SYS_mknodat, AT_FDCWD, file, S_IFIFO | 0600, 0);
}

constexpr Way kWays[] = {
    {"short", kReads | kWrites, 0, 0, nullptr},
    {"eintr", kReads | kWrites | kSyncs | kReserves, EINTR, 0, nullptr},
    {"eio", kAll, EIO, 0, nullptr},
    {"enospc", kWrites | kCreates | kSyncs | kReserves | kNames, ENOSPC, 0, nullptr},
    {"emfile", kOpens | kCreates, EMFILE, 0, nullptr},
    {"enomem", kMaps, ENOMEM, 0, nullptr},
    {"eopnotsupp", kReserves, EOPNOTSUPP, 0, nullptr},
    {"term", kAll, 0, SIGTERM, nullptr},
    {"kill", kAll, 0, SIGKILL, nullptr},
    {"cut", kAll, 0, 0, cut},
    {"removed", kAll, 0, 0, remove_file},
    {"replaced", kAll, 0, 0, replace},
    {"fifo", kAll, 0, 0, make_fifo},
};

const Way* way = nullptr;  // none before the program's start
long at = 0;
const char* log_file = nullptr;
const char* changed_file = nullptr;
std::atomic<long> counted{0};
std::atomic<bool> logged{false};

void log(const char* text) {
  if (log_file == nullptr || logged.exchange(true)) return;
  const int fd =
      static_cast<int>(syscall(SYS_openat, AT_FDCWD, log_file, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  (void)syscall(SYS_write, fd, text, std::strlen(text));
  syscall(SYS_close, fd);
}

__attribute__((constructor)) void start() {
  const char* const name = std::getenv("SAPWOOD_FAULT");
  if (name == nullptr) return;
  at = std::atol(std::getenv("SAPWOOD_FAULT_AT"));
  log_file = std::getenv("SAPWOOD_FAULT_LOG");
  changed_file = std::getenv("SAPWOOD_FAULT_FILE");
  way = std::find_if(std::begin(kWays), std::end(kWays),
                     [&](const Way& each) { return std::strcmp(each.name, name) == 0; });
}

__attribute__((destructor)) void end() {
  char text[32];
  std::snprintf(text, sizeof text, "%ld", counted.load());
  log(text);
}

// Whether this call goes wrong.
bool strikes(unsigned kind, const char* call, int fd, const char* path) {
  if (way == nullptr || (way->kinds & kind) == 0 || fd == STDERR_FILENO) return false;
  const long number = ++counted;
  if (at == -1 ? number % 2 == 1 : number != at) return false;
  char name[400] = {};
  if (path == nullptr) {
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    syscall(SYS_readlinkat, AT_FDCWD, link, name, sizeof name - 1);
    path = name;
  }
  char text[500];
  std::snprintf(text, sizeof text, "%s %s", call, path);
  log(text);
  if (way->change != nullptr) way->change(changed_file);
  if (way->signal != 0) syscall(SYS_kill, syscall(SYS_getpid), way->signal);
  return true;
}

// Whether this call fails, with errno.
bool fails(unsigned kind, const char* call, int fd, const char* path = nullptr) {
  if (!strikes(kind, call, fd, path) || way->error == 0) return false;
  errno = way->error;
  return true;
}

// Of so many bytes a call moves some.
bool moves(unsigned kind, const char* call, int fd, std::size_t& count) {
  if (count > 1 && way != nullptr && std::strcmp(way->name, "short") == 0) {
    if (strikes(kind, call, fd, nullptr)) count = count / 2 % 4096 + 1;
    return true;
  }
  return !fails(kind, call, fd);
}

int open_file(int folder, const char* path, int flags, mode_t mode) {
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const bool itself = std::strcmp(path, ".") == 0;  // a folder that is opened again
  const bool failed = fails(creates ? kCreates : kOpens, "open", itself ? folder : -1,
                            itself && folder != AT_FDCWD ? nullptr : path);
  if (failed) return -1;
  return static_cast<int>(syscall(SYS_openat, folder, path, flags, mode));
}

mode_t mode_of(int flags, va_list list) {
  const bool given = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return given ? va_arg(list, mode_t) : 0;
}

}  // namespace

extern "C" {

ssize_t read(int fd, void* to, std::size_t count) {
  return moves(kReads, "read", fd, count) ? syscall(SYS_read, fd, to, count) : -1;
}
ssize_t pread(int fd, void* to, std::size_t count, off_t offset) {
  return moves(kReads, "pread", fd, count) ? syscall(SYS_pread64, fd, to, count, offset) : -1;
}
ssize_t pread64(int fd, void* to, std::size_t count, off_t offset) {
  return pread(fd, to, count, offset);
}
ssize_t write(int fd, const void* from, std::size_t count) {
  return moves(kWrites, "write", fd, count) ? syscall(SYS_write, fd, from, count) : -1;
}
ssize_t pwrite(int fd, const void* from, std::size_t count, off_t offset) {
  return moves(kWrites, "pwrite", fd, count) ? syscall(SYS_pwrite64, fd, from, count, offset) : -1;
}
ssize_t pwrite64(int fd, const void* from, std::size_t count, off_t offset) {
  return pwrite(fd, from, count, offset);
}
int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return open_file(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return open_file(AT_FDCWD, path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return open_file(folder, path, flags, mode);
}
// What hardened builds call.
ssize_t __read_chk(int fd, void* to, std::size_t count, std::size_t) { return read(fd, to, count); }
ssize_t __pread_chk(int fd, void* to, std::size_t count, off_t offset, std::size_t) {
  return pread(fd, to, count, offset);
}
ssize_t __pread64_chk(int fd, void* to, std::size_t count, off_t offset, std::size_t) {
  return pread(fd, to, count, offset);
}
int __open_2(const char* path, int flags) { return open_file(AT_FDCWD, path, flags, 0); }
int __openat_2(int folder, const char* path, int flags) {
  return open_file(folder, path, flags, 0);
}
int fsync(int fd) {
  return fails(kSyncs, "fsync", fd) ? -1 : static_cast<int>(syscall(SYS_fsync, fd));
}
int fdatasync(int fd) {
  return fails(kSyncs, "fdatasync", fd) ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd));
}
int fallocate(int fd, int mode, off_t offset, off_t size) {
  if (fails(kReserves, "fallocate", fd)) return -1;
  return static_cast<int>(syscall(SYS_fallocate, fd, mode, offset, size));
}
int fallocate64(int fd, int mode, off_t offset, off_t size) {
  return fallocate(fd, mode, offset, size);
}
int ftruncate(int fd, off_t size) {
  return fails(kReserves, "ftruncate", fd) ? -1
                                           : static_cast<int>(syscall(SYS_ftruncate, fd, size));
}
int rename(const char* from, const char* to) {
  if (fails(kNames, "rename", -1, to)) return -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  if (fails(kNames, "linkat", -1, to)) return -1;
  return static_cast<int>(syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
int fchmod(int fd, mode_t mode) {
  return fails(kNames, "fchmod", fd) ? -1 : static_cast<int>(syscall(SYS_fchmod, fd, mode));
}
int stat(const char* path, struct stat* status) {
  if (fails(kLooks, "stat", -1, path)) return -1;
  return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, status, 0));
}
int lstat(const char* path, struct stat* status) {
  if (fails(kLooks, "lstat", -1, path)) return -1;
  return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW));
}
int fstat(int fd, struct stat* status) {
  if (fails(kLooks, "fstat", fd)) return -1;
  return static_cast<int>(syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH));
}
int fstatat(int folder, const char* path, struct stat* status, int flags) {
  if (fails(kLooks, "fstatat", -1, path)) return -1;
  return static_cast<int>(syscall(SYS_newfstatat, folder, path, status, flags));
}
int stat64(const char* path, struct stat64* status) {
  return stat(path, reinterpret_cast<struct stat*>(status));
}
int lstat64(const char* path, struct stat64* status) {
  return lstat(path, reinterpret_cast<struct stat*>(status));
}
int fstat64(int fd, struct stat64* status) {
  return fstat(fd, reinterpret_cast<struct stat*>(status));
}
int fstatat64(int folder, const char* path, struct stat64* status, int flags) {
  return fstatat(folder, path, reinterpret_cast<struct stat*>(status), flags);
}
void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  if (fd >= 0 && fails(kMaps, "mmap", fd)) return reinterpret_cast<void*>(-1);
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, length, protection, flags, fd, offset));
}
void* mmap64(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}
// A descriptor is closed, whatever close says.
int close(int fd) {
  const bool failed = fails(kCloses, "close", fd);
  const int result = static_cast<int>(syscall(SYS_close, fd));
  if (failed) errno = way->error;
  return failed ? -1 : result;
}
}
