#include "base/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <utility>

#include "sapwood/error.h"

namespace sapwood {

MappedFile::MappedFile(InputFile file) : path_(file.path()), id_(file.id()), size_(file.size()) {
  if (size_ == 0) {
    throw Error(ErrorCode::malformed, path_.string() + ": too small: the file is empty (0 bytes)");
  }
  if (const auto& memory = file.memory()) {
    data_ = memory->bytes.data();
    owner_ = memory->owner;
    return;
  }
  void* const address = ::mmap(nullptr, static_cast<std::size_t>(size_), PROT_READ, MAP_PRIVATE,
                               file.descriptor(), 0);
  if (address == MAP_FAILED) throw_errno(path_, "cannot map", errno);
  data_ = static_cast<const std::byte*>(address);
  mapped_ = true;
}

MappedFile MappedFile::open(const std::filesystem::path& path) {
  return MappedFile(InputFile::open(path));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      id_(other.id_),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      owner_(std::move(other.owner_)),
      mapped_(std::exchange(other.mapped_, false)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(id_, other.id_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(owner_, other.owner_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

MappedFile::~MappedFile() {
  if (mapped_) {
    ::munmap(const_cast<std::byte*>(data_), static_cast<std::size_t>(size_));
  }
}

}  // namespace sapwood
