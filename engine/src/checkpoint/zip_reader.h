// The entries of a zip archive in memory, as torch.save writes it: stored, not compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct zip;

namespace sapwood {

class ZipReader {
 public:
  struct Entry {
    std::uint64_t index = 0;
    std::int64_t size = 0;
  };

  // `archive` must outlive the reader. Throws Error malformed for a damaged archive (an entry
  // twice, or entries that together claim more bytes than the archive has: no zip bomb gets past
  // this) and unsupported for compressed or encrypted entries. Messages start with `label`.
  ZipReader(std::span<const std::byte> archive, std::string label);
  ~ZipReader();

  const std::map<std::string, Entry, std::less<>>& entries() const noexcept { return entries_; }
  const Entry* find(std::string_view name) const noexcept;

  // The entry's bytes, checked against its CRC-32. Throws Error malformed.
  std::unique_ptr<std::byte[]> read(const Entry& entry) const;

 private:
  struct Closer {
    void operator()(zip* archive) const noexcept;
  };

  std::string label_;
  std::unique_ptr<zip, Closer> archive_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace sapwood
