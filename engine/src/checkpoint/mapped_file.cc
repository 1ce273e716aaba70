#include "checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "sapwood/error.h"

namespace sapwood {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void throw_errno(const std::filesystem::path& path, const char* action, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR;
  throw Error(absent ? ErrorCode::not_found : ErrorCode::io,
              path.string() + ": " + action + ": " + std::generic_category().message(error));
}

const char* kind_of(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "not a regular file";
}

void read_all(int fd, std::byte* buffer, std::int64_t size, const std::filesystem::path& path) {
  std::int64_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd, buffer + done, static_cast<std::size_t>(size - done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(path, "cannot read", errno);
    if (got == 0) {
      throw Error(ErrorCode::io, path.string() + ": expected " + std::to_string(size) +
                                     " bytes, found " + std::to_string(done) +
                                     ": the file was cut while it was read");
    }
    done += got;
  }
}

}  // namespace

MappedFile MappedFile::open(const std::filesystem::path& path, FileAccess access) {
  // O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0) throw_errno(path, "cannot open", errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno(path, "cannot stat", errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::io,
                path.string() + ": expected a regular file, found " + kind_of(status.st_mode));
  }
  if (status.st_size == 0) {
    throw Error(ErrorCode::malformed, path.string() + ": too small: the file is empty (0 bytes)");
  }

  MappedFile file;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const address =
      access == FileAccess::map
          ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0)
          : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    if (error == ENOMEM) {
      throw Error(ErrorCode::out_of_memory,
                  path.string() + ": no memory for " + std::to_string(size) + " bytes");
    }
    throw_errno(path, "cannot map", error);
  }
  // First of all the mapping gets an owner.
  file.data_ = static_cast<const std::byte*>(address);
  file.size_ = static_cast<std::int64_t>(status.st_size);
  file.path_ = path;
  if (access == FileAccess::copy) {
    read_all(fd.get(), static_cast<std::byte*>(address), file.size_, path);
  }
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

MappedFile::~MappedFile() { release(); }

void MappedFile::release() noexcept {
  if (data_ != nullptr) {
    ::munmap(const_cast<std::byte*>(data_), static_cast<std::size_t>(size_));
    data_ = nullptr;
  }
}

}  // namespace sapwood
