// A whole regular file as bytes: mapped, or those that are in memory already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "base/file.h"

namespace sapwood {

// Mapped read-only and shared: no copy, processes share the pages. When someone truncates the file
// while it is mapped, touching the lost pages raises SIGBUS, as with every mapping: replace model
// files by rename (as convert does), never in place. Where that cannot be had, copy the weights
// (LoadOptions::copy_weights). Owns the mapping; movable. data() stays valid and unchanged by
// moves.
class MappedFile {
 public:
  // The file's descriptor is closed; the mapping stays. Of a file in memory the bytes are those given,
  // not copied. Throws Error malformed for an empty file,
  // io, out_of_memory.
  explicit MappedFile(InputFile file);
  // Throws InputFile::open's errors too.
  static MappedFile open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::filesystem::path& path() const noexcept { return path_; }
  FileId id() const noexcept { return id_; }
  const std::byte* data() const noexcept { return data_; }
  std::int64_t size() const noexcept { return size_; }
  std::span<const std::byte> bytes() const noexcept {
    return {data_, static_cast<std::size_t>(size_)};
  }

 private:
  std::filesystem::path path_;
  FileId id_;
  const std::byte* data_ = nullptr;
  std::int64_t size_ = 0;
  std::shared_ptr<const void> owner_;  // of bytes in memory
  bool mapped_ = false;
};

}  // namespace sapwood
