// Writer of safetensors files whose tensors can be used where they are mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/dtype.h"

namespace sapwood {

// Every tensor starts at a multiple of this in the file. The format allows no holes: the header is
// padded with spaces and gaps are U8 tensors named "__pad.0", "__pad.1", ...
inline constexpr std::int64_t kTensorAlignment = 64;
inline constexpr std::string_view kPadPrefix = "__pad.";

// Takes a tensor's bytes piece by piece, in order.
using TensorSink = std::function<void(std::span<const std::byte>)>;

struct TensorToWrite {
  std::string name;
  TensorDtype dtype = TensorDtype::f32;  // not TensorDtype::other
  std::vector<std::int64_t> shape;
  // Where the bytes come from: `data`, or, where that is null, `produce`, which is called once and
  // hands exactly the tensor's bytes to the sink in as many pieces as it likes, so that a tensor
  // never needs to be in memory whole.
  const std::byte* data = nullptr;
  std::function<void(const TensorSink&)> produce;
};

struct SafetensorsWriteOptions {
  // Where not empty, this metadata key receives the checksum that verify_safetensors recomputes.
  std::string checksum_key;
};

// Writes `target` atomically: on any failure it is as it was before and nothing else is left.
// Memory use does not grow with the tensors. Tensors are stored in the order given. Throws Error io
// (disk full: says how many bytes were needed), invalid_argument for tensors that cannot be written
// (same name twice, a name starting "__", a shape that overflows) and mismatch where `produce` gave
// too few or too many bytes; passes on what `produce` throws.
void write_safetensors(const std::filesystem::path& target,
                       const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorToWrite>& tensors,
                       const SafetensorsWriteOptions& options = {});

// Recomputes the checksum of a file that was written with `checksum_key`: the SHA-256 of the whole
// file with the 64 hexadecimal digits of the checksum itself read as '0'. So every byte counts, the
// header's too. Throws Error malformed where it differs and not_found where the file has none.
void verify_safetensors(const std::filesystem::path& path, const std::string& checksum_key);

}  // namespace sapwood
