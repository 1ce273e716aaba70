// Zip archives built by hand, so that each can have one thing wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "little_endian.h"

namespace sapwood::test {

inline std::uint32_t crc32_of(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

struct ZipEntry {
  std::string name;
  std::string bytes;
  std::uint16_t method = 0;              // 0 stored, 8 deflated
  std::int64_t claimed_size = -1;        // of the uncompressed bytes; -1: the true one
  std::int64_t claimed_compressed = -1;  // likewise of those in the archive
};

inline std::string zip_archive(const std::vector<ZipEntry>& entries) {
  std::string body;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const auto u16 = [](std::uint64_t v) { return little_endian(static_cast<std::uint16_t>(v)); };
    const auto u32 = [](std::uint64_t v) { return little_endian(static_cast<std::uint32_t>(v)); };
    const auto size = static_cast<std::int64_t>(entry.bytes.size());
    const std::string common =
        u16(20) + u16(0) + u16(entry.method) + u16(0) + u16(0x21) + u32(crc32_of(entry.bytes)) +
        u32(static_cast<std::uint64_t>(entry.claimed_compressed < 0 ? size
                                                                    : entry.claimed_compressed)) +
        u32(static_cast<std::uint64_t>(entry.claimed_size < 0 ? size : entry.claimed_size)) +
        u16(entry.name.size()) + u16(0);
    directory += "PK\1\2" + u16(20) + common + u16(0) + u16(0) + u16(0) + u32(0) +
                 u32(body.size()) + entry.name;
    body += "PK\3\4" + common + entry.name + entry.bytes;
  }
  const auto count = little_endian(static_cast<std::uint16_t>(entries.size()));
  return body + directory + "PK\5\6" + std::string(4, '\0') + count + count +
         little_endian(static_cast<std::uint32_t>(directory.size())) +
         little_endian(static_cast<std::uint32_t>(body.size())) + std::string(2, '\0');
}

}  // namespace sapwood::test
