// Files for the checkpoint tests: built byte by byte, so that each can have one thing wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "little_endian.h"
#include "scratch.h"

namespace sapwood::test {

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// A safetensors file with this header text and this many bytes of data.
inline std::string safetensors(const std::string& header, std::size_t data_bytes) {
  return little_endian<std::uint64_t>(header.size()) + header + std::string(data_bytes, '\1');
}

}  // namespace sapwood::test
