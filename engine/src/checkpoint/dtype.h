// Element types of checkpoint tensors, and their conversion to float.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sapwood {

enum class TensorDtype {
  f64,
  f32,
  f16,
  bf16,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8,
  bool_,
  other,  // a type this version cannot read (F8_E4M3, C64, ...); TensorView::dtype_name has its
          // name
};

// Bytes of one element; 0 for TensorDtype::other.
std::int64_t dtype_size(TensorDtype dtype) noexcept;

// The name safetensors gives it: "F32", "BOOL", ...; "?" for TensorDtype::other.
std::string_view dtype_name(TensorDtype dtype) noexcept;

// From the safetensors name; TensorDtype::other for a name that is not in the list above.
TensorDtype parse_dtype(std::string_view name) noexcept;

// Whether to_float takes it: f64, f32, f16, bf16.
bool is_floating(TensorDtype dtype) noexcept;

// Converts n little-endian elements at `src` (any alignment) to `dst`; f64 is rounded to nearest,
// the others convert exactly, infinities and NaN included. `src` and `dst` do not overlap. Throws
// Error unsupported for types that are not floating.
void to_float(TensorDtype dtype, const std::byte* src, std::int64_t n, float* dst);

}  // namespace sapwood
