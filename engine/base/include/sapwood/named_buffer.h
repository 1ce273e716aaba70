// A file of a model's directory that is in memory.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sapwood {

struct NamedBuffer {
  // A path inside the directory: "config.json", "model.safetensors", "1_Pooling/config.json".
  std::string_view name;
  std::span<const std::byte> bytes;
};

}  // namespace sapwood
