// Element types against a slow reading of their definition, and the checked sums.
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "checkpoint/dtype.h"
#include "checkpoint_files.h"

using namespace sapwood;
using namespace sapwood::test;

namespace {

// IEEE 754 binary16 by its definition.
float half_by_definition(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  float value = 0;
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return std::copysign(value, (half & 0x8000) != 0 ? -1.0F : 1.0F);
}

bool same(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// Converts with a source that is aligned to nothing.
template <typename T>
std::vector<float> convert(TensorDtype dtype, const std::vector<T>& values) {
  const std::string bytes = "x" + bytes_of(values);
  std::vector<float> out(values.size());
  to_float(dtype, reinterpret_cast<const std::byte*>(bytes.data()) + 1,
           static_cast<std::int64_t>(values.size()), out.data());
  return out;
}

}  // namespace

TEST_CASE("dtype: all 65,536 halves and bfloats") {
  std::vector<std::uint16_t> all(65'536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const std::vector<float> halves = convert(TensorDtype::f16, all);
  const std::vector<float> bfloats = convert(TensorDtype::bf16, all);
  int wrong = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    wrong += same(halves[i], half_by_definition(all[i])) ? 0 : 1;
    wrong += same(bfloats[i], std::bit_cast<float>(static_cast<std::uint32_t>(i) << 16)) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("dtype: lengths around the block, F32 and F64") {
  for (std::size_t n = 0; n < 100; ++n) {
    std::vector<std::uint16_t> half(n, 0x3c00);
    CHECK(convert(TensorDtype::f16, half) == std::vector<float>(n, 1.0F));
  }
  const std::vector<float> f32{1.25F, -0.0F, 3e38F};
  CHECK(convert(TensorDtype::f32, f32) == f32);
  const std::vector<float> out =
      convert(TensorDtype::f64, std::vector<double>{0.1, -2, 1e300, 1e-300});
  CHECK(out == std::vector<float>{0.1F, -2, std::numeric_limits<float>::infinity(), 0});
}

TEST_CASE("dtype: names, sizes, and what does not convert") {
  for (const TensorDtype dtype :
       {TensorDtype::f64, TensorDtype::f32, TensorDtype::f16, TensorDtype::bf16, TensorDtype::i64,
        TensorDtype::i32, TensorDtype::i16, TensorDtype::i8, TensorDtype::u64, TensorDtype::u32,
        TensorDtype::u16, TensorDtype::u8, TensorDtype::bool_}) {
    CHECK(parse_dtype(dtype_name(dtype)) == dtype);
    CHECK(dtype_size(dtype) > 0);
    if (is_floating(dtype)) continue;
    float out = 0;
    const std::byte zeros[8] = {};
    check_refused([&] { to_float(dtype, zeros, 1, &out); }, ErrorCode::unsupported,
                  {std::string(dtype_name(dtype))});
  }
  CHECK(parse_dtype("F8_E4M3") == TensorDtype::other);
  CHECK(parse_dtype("f32") == TensorDtype::other);
  CHECK(parse_dtype("") == TensorDtype::other);
  CHECK(dtype_size(TensorDtype::other) == 0);
}
