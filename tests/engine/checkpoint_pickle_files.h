// Archives as torch.save writes them, built by hand, so that each can have one thing wrong.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint_files.h"

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

// Opcodes of protocol 2.
namespace op {

inline const std::string kProto = "\x80\2";
inline const std::string kMark = "(";
inline const std::string kTuple = "t";
inline const std::string kReduce = "R";
inline const std::string kStop = ".";
inline const std::string kFalse = "\x89";
inline const std::string kEmptyDict = "}";
inline const std::string kEmptyTuple = ")";

inline std::string text(const std::string& s) {
  return "X" + little_endian(static_cast<std::uint32_t>(s.size())) + s;
}
inline std::string number(std::int64_t v) {
  return std::string("\x8a\x08", 2) + little_endian(v);  // LONG1
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::int64_t>& numbers) {
  std::string out = kMark;
  for (const std::int64_t n : numbers) out += number(n);
  return out + kTuple;
}
inline std::string ordered_dict() {
  return global("collections", "OrderedDict") + kEmptyTuple + kReduce;
}
inline std::string storage(const std::string& type, const std::string& key, std::int64_t elements) {
  return kMark + text("storage") + global("torch", type) + text(key) + text("cpu") +
         number(elements) + kTuple + "Q";
}
// torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict())
inline std::string tensor(const std::string& storage, std::int64_t offset,
                          const std::vector<std::int64_t>& shape,
                          const std::vector<std::int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") + kMark + storage + number(offset) +
         tuple(shape) + tuple(strides) + kFalse + ordered_dict() + kTuple + kReduce;
}
// The dict's items, as key and value opcodes in turn.
inline std::string set_items(const std::string& items) { return kMark + items + "u"; }

// A whole pickle of an OrderedDict with these items.
inline std::string state_dict(const std::string& items) {
  return kProto + ordered_dict() + set_items(items) + kStop;
}

}  // namespace op

using Storages = std::vector<std::pair<std::string, std::string>>;  // key, bytes

inline std::vector<ZipEntry> torch_entries(const std::string& pickle, const Storages& storages) {
  std::vector<ZipEntry> entries{{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}};
  for (const auto& [key, bytes] : storages) entries.push_back({"archive/data/" + key, bytes});
  entries.push_back({"archive/version", "3\n"});
  return entries;
}

}  // namespace sapwood::test
