#include "output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sapwood/error.h"

namespace sapwood::cli {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;

// Returns 0, or the errno of the write that failed.
int write_all(int fd, std::string_view bytes) {
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

}  // namespace

OutputStream::OutputStream(const std::string& path)
    : fd_(STDOUT_FILENO), owned_(!path.empty() && path != "-"), name_("standard output") {
  if (!owned_) return;
  name_ = path;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw Error(ErrorCode::io, "cannot create " + path + ": " + std::strerror(errno));
  }
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
  std::string message = "cannot write to " + name_ + ": " + std::strerror(error);
  if (error == ENOSPC) message += "; free some space or write elsewhere with -o FILE";
  throw Error(ErrorCode::io, message);
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

void say(std::string_view message) {
  std::string line = "sapwood: ";
  line += message;
  line += '\n';
  write_all(STDERR_FILENO, line);  // nobody is left to tell where this fails
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
