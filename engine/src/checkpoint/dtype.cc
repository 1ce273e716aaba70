#include "checkpoint/dtype.h"

#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "sapwood/error.h"

namespace sapwood {
namespace {

static_assert(std::endian::native == std::endian::little,
              "checkpoints are little-endian and are read in place");

struct DtypeInfo {
  TensorDtype dtype;
  std::string_view name;
  std::int64_t size;
};

constexpr std::array<DtypeInfo, 13> kDtypes{{
    {TensorDtype::f64, "F64", 8},
    {TensorDtype::f32, "F32", 4},
    {TensorDtype::f16, "F16", 2},
    {TensorDtype::bf16, "BF16", 2},
    {TensorDtype::i64, "I64", 8},
    {TensorDtype::i32, "I32", 4},
    {TensorDtype::i16, "I16", 2},
    {TensorDtype::i8, "I8", 1},
    {TensorDtype::u64, "U64", 8},
    {TensorDtype::u32, "U32", 4},
    {TensorDtype::u16, "U16", 2},
    {TensorDtype::u8, "U8", 1},
    {TensorDtype::bool_, "BOOL", 1},
}};

// Without a branch, so that the loop over it vectorises with plain SSE2. The exponent is rebased
// from 15 to 127 by an addition; infinities and NaN need another step of the same size, and
// subnormals come out right when the hidden bit, which the addition pretends, is subtracted as a
// float.
inline float half_to_float(std::uint16_t half) noexcept {
  constexpr std::uint32_t kExponent = 0x7c00U << 13;
  const std::uint32_t shifted = (half & 0x7fffU) << 13;
  const std::uint32_t exponent = shifted & kExponent;
  const std::uint32_t rebased = shifted + ((127U - 15U) << 23);
  const std::uint32_t special = rebased + ((128U - 16U) << 23);
  const float subnormal = std::bit_cast<float>(rebased + (1U << 23)) -
                          std::bit_cast<float>(static_cast<std::uint32_t>(113U << 23));
  std::uint32_t bits = exponent == kExponent ? special : rebased;
  bits = exponent == 0 ? std::bit_cast<std::uint32_t>(subnormal) : bits;
  return std::bit_cast<float>(bits | (half & 0x8000U) << 16);
}

inline float bfloat_to_float(std::uint16_t value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

// Blocks of a fixed length vectorise at every optimisation level; memcpy, because the data of a
// file has any alignment.
template <typename T, typename Convert>
void convert_all(const std::byte* src, std::int64_t n, float* dst, Convert convert) noexcept {
  constexpr std::int64_t kBlock = 32;
  std::int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock) {
    T block[kBlock];
    std::memcpy(block, src + i * static_cast<std::int64_t>(sizeof(T)), sizeof(block));
    for (std::int64_t j = 0; j < kBlock; ++j) dst[i + j] = convert(block[j]);
  }
  for (; i < n; ++i) {
    T value;
    std::memcpy(&value, src + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    dst[i] = convert(value);
  }
}

}  // namespace

std::int64_t dtype_size(TensorDtype dtype) noexcept {
  for (const DtypeInfo& info : kDtypes) {
    if (info.dtype == dtype) return info.size;
  }
  return 0;
}

std::string_view dtype_name(TensorDtype dtype) noexcept {
  for (const DtypeInfo& info : kDtypes) {
    if (info.dtype == dtype) return info.name;
  }
  return "?";
}

TensorDtype parse_dtype(std::string_view name) noexcept {
  for (const DtypeInfo& info : kDtypes) {
    if (info.name == name) return info.dtype;
  }
  return TensorDtype::other;
}

bool is_floating(TensorDtype dtype) noexcept {
  return dtype == TensorDtype::f64 || dtype == TensorDtype::f32 || dtype == TensorDtype::f16 ||
         dtype == TensorDtype::bf16;
}

void to_float(TensorDtype dtype, const std::byte* src, std::int64_t n, float* dst) {
  if (n <= 0) return;
  switch (dtype) {
    case TensorDtype::f32:
      std::memcpy(dst, src, static_cast<std::size_t>(n) * sizeof(float));
      return;
    case TensorDtype::f64:
      convert_all<double>(src, n, dst, [](double v) { return static_cast<float>(v); });
      return;
    case TensorDtype::f16:
      convert_all<std::uint16_t>(src, n, dst, half_to_float);
      return;
    case TensorDtype::bf16:
      convert_all<std::uint16_t>(src, n, dst, bfloat_to_float);
      return;
    default:
      throw Error(ErrorCode::unsupported, "expected numbers of type F64, F32, F16 or BF16, found " +
                                              std::string(dtype_name(dtype)));
  }
}

}  // namespace sapwood
