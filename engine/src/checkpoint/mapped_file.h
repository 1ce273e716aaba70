// A whole regular file as bytes, mapped or copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace sapwood {

enum class FileAccess {
  // Mapped read-only and shared: no copy, processes share the pages. When someone truncates the
  // file
  // while it is mapped, touching the lost pages raises SIGBUS, as with every mapping: replace model
  // files by rename (as convert does), never in place. Where that cannot be had, use copy.
  map,
  // Read into memory (page aligned, as a mapping is): later changes to the file have no effect.
  copy,
};

// Owns the mapping or the copy; movable. data() stays valid and unchanged by moves.
class MappedFile {
 public:
  // Throws Error not_found where there is no such file; io where it cannot be read or is not a
  // regular file (directory, FIFO, socket, device: refused at once, without waiting); malformed for
  // an empty one.
  static MappedFile open(const std::filesystem::path& path, FileAccess access = FileAccess::map);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::filesystem::path& path() const noexcept { return path_; }
  const std::byte* data() const noexcept { return data_; }
  std::int64_t size() const noexcept { return size_; }
  std::span<const std::byte> bytes() const noexcept {
    return {data_, static_cast<std::size_t>(size_)};
  }

 private:
  MappedFile() = default;
  void release() noexcept;

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::int64_t size_ = 0;
};

}  // namespace sapwood
