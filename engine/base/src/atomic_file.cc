#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

constexpr int kNameAttempts = 100;
constexpr int kMostLinks = 40;  // as the system follows
// Of the target's name in a temporary one: 255 is what file systems have room for.
constexpr std::size_t kMostNameBytes = 200;

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A link is written through: the file it leads to is replaced, not the link.
fs::path resolve_target(const fs::path& target) {
  std::error_code error;
  fs::path resolved = target;
  for (int links = 0; fs::is_symlink(resolved, error); ++links) {
    const fs::path next = fs::read_symlink(resolved, error);
    if (error == std::errc::not_enough_memory) throw std::bad_alloc();
    if (links == kMostLinks) error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
    if (error) {
      throw Error(ErrorCode::io, target.string() + ": cannot follow the link: " + error.message());
    }
    resolved = directory_of(resolved) / next;
  }
  const fs::file_status status = fs::status(resolved, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw Error(ErrorCode::invalid_argument,
                target.string() + ": cannot write: expected a file name, found a " +
                    (fs::is_directory(status) ? "directory" : "special file"));
  }
  if (!resolved.has_filename()) {
    throw Error(ErrorCode::invalid_argument,
                "cannot write '" + target.string() + "': expected a file name");
  }
  return resolved;
}

// The name of an open file that linkat can follow.
std::string proc_name(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

}  // namespace

AtomicFile::AtomicFile(const fs::path& target, std::int64_t size)
    : target_(resolve_target(target)), size_(size) {
  try {
    open_unnamed();
    if (fd_ < 0) open_named();
    take_over_permissions();
    reserve();
  } catch (...) {
    release();
    throw;
  }
}

AtomicFile::~AtomicFile() { release(); }

void AtomicFile::release() noexcept {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::open_unnamed() {
#ifdef O_TMPFILE
  fd_ = ::open(directory_of(target_).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  // Without /proc it could never get a name.
  if (fd_ >= 0 && ::access(proc_name(fd_).c_str(), F_OK) != 0) {
    ::close(fd_);
    fd_ = -1;
  }
#endif
}

void AtomicFile::open_named() {
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    fs::path name = temporary_name();
    fd_ = ::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd_ >= 0) {
      temporary_ = std::move(name);  // a copy could fail and leave the file
      return;
    }
    if (errno != EEXIST) break;
  }
  fail("cannot create a file in its directory", errno);
}

void AtomicFile::take_over_permissions() {
  struct stat older {};
  if (::stat(target_.c_str(), &older) != 0) return;  // there is none
  constexpr mode_t kPermissions = 0777;
  mode_t mode = older.st_mode & kPermissions;
  // Nobody but root gives files away: then the new one belongs to whoever wrote it. The rights of the older one's group are no other group's.
  if (::fchown(fd_, older.st_uid, older.st_gid) != 0 &&
      ::fchown(fd_, static_cast<uid_t>(-1), older.st_gid) != 0) {
    mode &= ~static_cast<mode_t>(S_IRWXG);
  }
  if (::fchmod(fd_, mode) != 0) fail("cannot set its permissions", errno);
}

void AtomicFile::reserve() {
  if (size_ <= 0) return;
  int result = 0;
  do {
    result = ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, size_);
  } while (result != 0 && errno == EINTR);
  // A file system that cannot reserve tells when it is full while writing.
  if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS) fail("cannot reserve space", errno);
}

fs::path AtomicFile::temporary_name() {
  static std::atomic<unsigned> counter{0};
  std::string name = ".";
  name += target_.filename().string().substr(0, kMostNameBytes);
  name += ".tmp-";
  name += std::to_string(::getpid());
  name += '-';
  name += std::to_string(counter++);
  return directory_of(target_) / name;
}

void AtomicFile::write_all(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) fail("cannot write", put < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += put;
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(written_, bytes);
  written_ += static_cast<std::int64_t>(bytes.size());
}

void AtomicFile::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  write_all(offset, bytes);
}

// False where there is a file of that name.
bool AtomicFile::give_name(const fs::path& name) {
  const std::string unnamed = proc_name(fd_);
  if (::linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
    return true;
  }
  if (errno != EEXIST) fail("cannot name the finished file", errno);
  return false;
}

void AtomicFile::commit() {
  int result = 0;
  do {
    result = ::fsync(fd_);
  } while (result != 0 && errno == EINTR);
  if (result != 0) fail("cannot write to the disk", errno);
  const bool placed = temporary_.empty() && give_name(target_);
  for (int attempt = 0; !placed && temporary_.empty(); ++attempt) {
    fs::path name = temporary_name();
    if (give_name(name)) {
      temporary_ = std::move(name);
    } else if (attempt == kNameAttempts) {
      fail("cannot name the finished file", EEXIST);
    }
  }
  if (!placed && ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail("cannot move into place", errno);
  }
  temporary_.clear();
  // The new name reaches the disk with the directory. The file is whole either way, so a file
  // system that cannot do this is no failure.
  const int directory = ::open(directory_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)::fsync(directory);
    ::close(directory);
  }
}

void AtomicFile::fail(const char* action, int error) const {
  std::string message =
      target_.string() + ": " + action + ": " + std::generic_category().message(error);
  message += open_hint(error);
  struct rlimit limit {};
  if (error == EFBIG && ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    message += ": this process may write files of at most " + std::to_string(limit.rlim_cur) +
               " bytes (ulimit -f)";
  }
  if (size_ > 0) {
    message += "; the file needs " + std::to_string(size_) + " bytes, " + std::to_string(written_) +
               " were written";
  }
  throw Error(ErrorCode::io, message + "; nothing was left behind");
}

}  // namespace sapwood
