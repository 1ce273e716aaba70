// Reader of safetensors files (https://github.com/huggingface/safetensors, "Format").
//
// Stricter than the reference where it is lax: duplicate keys are errors. All checks precede any
// allocation sized by the file's own numbers; a file that opens has tensors that lie inside it,
// without overlap or hole, with byte counts that agree with shape and dtype.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/mapped_file.h"
#include "checkpoint/tensor_source.h"

namespace sapwood {

inline constexpr std::int64_t kSafetensorsLengthBytes =
    8;  // the header's length, which opens the file
inline constexpr std::int64_t kMaxSafetensorsHeader =
    100'000'000;                                     // bytes, as the reference has it
inline constexpr std::int64_t kMaxTensors = 65'536;  // in one checkpoint
inline constexpr std::int64_t kMaxRank = 32;

// One file. A tensor of a dtype we do not know (F8_E4M3, C64) loads as TensorDtype::other; using it is
// the error. Throws Error malformed naming file and tensor or field, and
// MappedFile's errors.
TensorSource open_safetensors(InputFile file);
TensorSource open_safetensors(const std::filesystem::path& path);

}  // namespace sapwood
