// Archives as torch.save writes them, built by hand, so that each can have one thing wrong.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint_files.h"
#include "zip_archive.h"

namespace sapwood::test {

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
