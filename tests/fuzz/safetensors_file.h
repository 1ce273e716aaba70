// A safetensors file in memory, put together from parts of an input: what a mutated byte changes is then a name, a type, a
// shape or a value, not an offset that refuses the whole file.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "checkpoint/dtype.h"
#include "files.h"

namespace sapwood::fuzz {

// Bytes that a file of an input may have: more finds nothing more, and takes longer.
inline constexpr std::size_t kMostTensorBytes = 1 << 18;

// The product of the whole numbers in "[2, 3]" and of the element's size; `most` where it is more.
inline std::size_t tensor_bytes(std::string_view dtype, std::string_view shape, std::size_t most) {
  std::size_t bytes = static_cast<std::size_t>(dtype_size(parse_dtype(dtype)));
  for (std::size_t i = 0; i < shape.size();) {
    if (shape[i] < '0' || shape[i] > '9') {
      ++i;
      continue;
    }
    std::size_t number = 0;
    for (; i < shape.size() && shape[i] >= '0' && shape[i] <= '9'; ++i) {
      if (number <= most) number = number * 10 + static_cast<std::size_t>(shape[i] - '0');
    }
    bytes *= number;
    if (bytes > most) return most;
  }
  return bytes;
}

class SafetensorsFile {
 public:
  void add_metadata(std::string_view key, std::string_view value) {
    std::string text;
    JsonWriter writer(text);
    writer.begin_object().member(key, value).end();
    metadata_ += (metadata_.empty() ? "" : ",") + text.substr(1, text.size() - 2);
  }

  // `description`: "NAME DTYPE SHAPE". The bytes are cut, or repeated, as the shape wants; none: those of 1.
  void add_tensor(std::string_view description, std::string_view bytes) {
    const std::size_t shape_at = std::min(description.rfind(" ["), description.size());
    const std::string_view head = description.substr(0, shape_at);
    const std::size_t dtype_at = std::min(head.rfind(' '), head.size());
    const std::string_view shape = description.substr(std::min(shape_at + 1, description.size()));
    const std::string_view dtype = head.substr(std::min(dtype_at + 1, head.size()));
    const std::size_t size =
        tensor_bytes(dtype, shape, kMostTensorBytes - std::min(kMostTensorBytes, data_.size()));
    while (data_.size() % 64 != 0 && data_.size() < kMostTensorBytes) add_padding();
    describe(head.substr(0, dtype_at), dtype, shape, size);
    for (std::size_t i = 0; i < size; ++i) data_ += bytes.empty() ? '\1' : bytes[i % bytes.size()];
  }

  std::string bytes() const {
    std::string header = "{";
    if (!metadata_.empty()) header += "\"__metadata__\":{" + metadata_ + "},";
    header += tensors_.substr(0, tensors_.size() - (tensors_.empty() ? 0 : 1)) + "}";
    while ((8 + header.size()) % 64 != 0) header += ' ';
    std::string length(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 255);
    return length + header + data_;
  }

 private:
  void describe(std::string_view name, std::string_view dtype, std::string_view shape,
                std::size_t size) {
    tensors_ += "\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) +
                "\",\"shape\":" + std::string(shape) + ",\"data_offsets\":[" +
                std::to_string(data_.size()) + "," + std::to_string(data_.size() + size) + "]},";
  }
  void add_padding() {
    const std::size_t size = 64 - data_.size() % 64;
    describe("__pad." + std::to_string(pads_++), "U8", "[" + std::to_string(size) + "]", size);
    data_.append(size, '\0');
  }

  std::string metadata_, tensors_, data_;
  int pads_ = 0;
};

// Puts the parts "metadata KEY" and "tensor NAME DTYPE SHAPE" into model.safetensors, "tensor FILE|NAME DTYPE SHAPE" into
// another file, and those in the place of the parts.
inline std::map<std::string, SafetensorsFile, std::less<>> take_tensors(
    std::vector<InputPart>& parts) {
  constexpr std::string_view kTensor = "tensor ", kMetadata = "metadata ";
  std::map<std::string, SafetensorsFile, std::less<>> files;
  std::erase_if(parts, [&](const InputPart& part) {
    const std::string_view name = part.name;
    if (name.starts_with(kTensor)) {
      const std::size_t bar = name.find('|');
      const bool named = bar != name.npos && bar > kTensor.size();
      const std::string file(named ? name.substr(kTensor.size(), bar - kTensor.size())
                                   : "model.safetensors");
      files[file].add_tensor(name.substr(named ? bar + 1 : kTensor.size()), part.bytes);
    } else if (name.starts_with(kMetadata)) {
      files["model.safetensors"].add_metadata(name.substr(kMetadata.size()), part.bytes);
    } else {
      return false;
    }
    return true;
  });
  return files;
}

}  // namespace sapwood::fuzz
