#include "output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/quote.h"
#include "sapwood/error.h"
#include "system_message.h"

namespace sapwood::cli {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;

// Returns 0, or the errno of the write that failed.
int write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Another process made the shared description non-blocking.
      pollfd wait{fd, POLLOUT, 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// Whether a new file can take the place of `file`, which is called `path`: not in a folder that may not be written to, not of
// another user's in one like /tmp, and not what is mounted by itself, as files are into containers.
bool can_be_replaced(const std::string& path, const struct stat& file) {
  std::error_code error;
  const std::string folder = std::filesystem::canonical(path, error).parent_path().string();
  struct stat of_folder {};
  if (error || ::access(folder.c_str(), W_OK | X_OK) != 0) return false;
  if (::stat(folder.c_str(), &of_folder) != 0) return false;
  const uid_t user = ::geteuid();
  if ((of_folder.st_mode & S_ISVTX) != 0 && user != 0 && user != file.st_uid &&
      user != of_folder.st_uid) {
    return false;
  }
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx more {};
  if (::statx(AT_FDCWD, path.c_str(), 0, 0, &more) == 0 &&
      (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
    return false;
  }
#endif
  return true;
}

// Whether an output is written in its place: what is no regular file, what is open as a standard stream (/dev/stdout means
// that file, whatever its name is), what cannot be replaced, and what may not be written to, for the system to say so.
bool written_in_place(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return false;  // there is none
  if (!S_ISREG(file.st_mode) || path.starts_with("/dev/fd/") || path.starts_with("/proc/")) {
    return true;
  }
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open {};
    if (::fstat(fd, &open) == 0 && open.st_dev == file.st_dev && open.st_ino == file.st_ino) {
      return true;
    }
  }
  return ::access(path.c_str(), W_OK) != 0 || !can_be_replaced(path, file);
}

// Standard error through a buffer of its own, so that a message of usual length is one write and
// stays whole beside those of other processes.
class MessageWriter {
 public:
  ~MessageWriter() { flush(); }
  bool full() const noexcept { return written_ >= kMostMessageBytes; }
  void write(std::string_view bytes) noexcept {
    if (used_ + bytes.size() > sizeof buffer_) flush();
    std::memcpy(buffer_ + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
    written_ += bytes.size();
  }

 private:
  static constexpr std::size_t kMostMessageBytes = 16 << 10;

  void flush() noexcept {
    write_all(STDERR_FILENO, {buffer_, used_});  // nobody is left to tell where this fails
    used_ = 0;
  }

  char buffer_[4096];
  std::size_t used_ = 0, written_ = 0;
};

}  // namespace

OutputStream::OutputStream(const std::string& path, const InputFiles& inputs)
    : fd_(STDOUT_FILENO), name_("standard output") {
  inputs.require_other(path);
  if (path.empty() || path == "-") return;
  name_ = printable(path);
  if (!written_in_place(path)) {
    file_ = std::make_unique<AtomicFile>(path, 0);
    fd_ = file_->descriptor();
    return;
  }
  fd_ = ::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd_ < 0) {
    const int error = errno;
    throw Error(ErrorCode::io, "cannot open " + name_ + ": " + system_message(error));
  }
  owned_ = true;
}

OutputStream::~OutputStream() {
  if (owned_ && fd_ >= 0) ::close(fd_);
}

void OutputStream::fail(int error) const {
  if (error == EPIPE) {
    throw Error(ErrorCode::io, name_ + " was closed by its reader before all results were written");
  }
  if (error == EBADF)
    throw Error(ErrorCode::io, name_ + " is closed; write to a file with -o FILE");
  throw Error(ErrorCode::io, "cannot write to " + name_ + ": " + system_message(error));
}

void OutputStream::write(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kBufferBytes) flush();
}

void OutputStream::flush() {
  const int error = write_all(fd_, buffer_);
  buffer_.clear();
  if (error != 0) fail(error);
}

void OutputStream::close() {
  flush();
  if (file_) file_->commit();
  if (!owned_) return;
  const int result = ::close(fd_);
  const int error = errno;
  fd_ = -1;
  if (result != 0 && error != EINTR) fail(error);
}

void OutputStream::write_at(std::string_view bytes, std::size_t offset) {
  flush();
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
}

long long OutputStream::position() {
  flush();
  // A descriptor opened to append sends even pwrite to the end of the file.
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0 || (flags & O_APPEND) != 0) return -1;
  return ::lseek(fd_, 0, SEEK_CUR);
}

bool OutputStream::is_terminal() const { return ::isatty(fd_) == 1; }

void say(std::initializer_list<std::string_view> parts) noexcept {
  MessageWriter writer;
  writer.write("sapwood: ");
  for (std::string_view part : parts) {
    while (!part.empty()) {
      if (writer.full()) {
        writer.write(" ... (the message is longer)\n");
        return;
      }
      const ShownCharacter shown = show_character(part);
      const bool line_end = part[0] == '\n';
      writer.write(line_end ? "\n  " : std::string_view(shown.bytes, shown.size));
      part.remove_prefix(shown.consumed);
    }
  }
  writer.write("\n");
}

void say_notices(const std::vector<std::string>& notices, bool quiet) noexcept {
  if (quiet) return;
  for (const std::string& notice : notices) say({"note: ", notice});
}

void guard_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is `fd`. Reading from write-only and writing to read-only both fail.
    const int mode = fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY;
    if (::open("/dev/null", mode) < 0) std::_Exit(1);
  }
}

}  // namespace sapwood::cli
