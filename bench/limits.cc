#include "limits.h"

#include <immintrin.h>

#include "common.h"
#include "sapwood/kernels/dispatch.h"

namespace sapwood::bench {
namespace {

// GNU vectors: each function is compiled for the instruction set that its attribute names.
#define TARGET_AVX512 [[gnu::target("avx512f,avx512bw,avx512vl,avx512vnni,avx512bf16")]]
#define TARGET_AVX2 [[gnu::target("avx2,fma")]]
#define TARGET_AVX2_VNNI [[gnu::target("avx2,fma,avxvnni")]]

template <typename F>
double fastest(const F& f) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) best = std::min(best, seconds(f));
  return best;
}

TARGET_AVX512 void read_avx512(const float* p, std::size_t n) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (std::size_t i = 0; i + 64 <= n; i += 64) {
    a = _mm512_xor_si512(a, _mm512_load_si512(p + i));
    b = _mm512_xor_si512(b, _mm512_load_si512(p + i + 16));
    c = _mm512_xor_si512(c, _mm512_load_si512(p + i + 32));
    d = _mm512_xor_si512(d, _mm512_load_si512(p + i + 48));
  }
  a = _mm512_xor_si512(_mm512_xor_si512(a, b), _mm512_xor_si512(c, d));
  benchmark::DoNotOptimize(a);
}

TARGET_AVX2 void read_avx2(const float* p, std::size_t n) {
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
  for (std::size_t i = 0; i + 32 <= n; i += 32) {
    a = _mm256_xor_ps(a, _mm256_load_ps(p + i));
    b = _mm256_xor_ps(b, _mm256_load_ps(p + i + 8));
    c = _mm256_xor_ps(c, _mm256_load_ps(p + i + 16));
    d = _mm256_xor_ps(d, _mm256_load_ps(p + i + 24));
  }
  a = _mm256_xor_ps(_mm256_xor_ps(a, b), _mm256_xor_ps(c, d));
  benchmark::DoNotOptimize(a);
}

// Twelve independent sums hide the latency of any of these instructions. The compiler is not to
// know that they are equal.
constexpr int kSums = 12, kRounds = 1 << 20;

// void NAME(): kRounds times `sum = STEP` for each of the sums, where STEP uses sum and x, which is
// X. A macro, because operations of an instruction set are only inlined into functions of that set.
#define PEAK(NAME, TARGET, REG, X, STEP)                              \
  TARGET void NAME() {                                                \
    REG sums[kSums] = {};                                             \
    auto x = X;                                                       \
    for (REG & sum : sums) asm volatile("" : "+v"(sum));              \
    for (int i = 0; i < kRounds; ++i) {                               \
      _Pragma("GCC unroll 12") for (REG & sum : sums) { sum = STEP; } \
      asm volatile("" : "+v"(x));                                     \
    }                                                                 \
    for (REG & sum : sums) benchmark::DoNotOptimize(sum);             \
  }

PEAK(multiply_f32, TARGET_AVX512, __m512, _mm512_set1_ps(1e-9f), _mm512_fmadd_ps(x, x, sum))
PEAK(multiply_bf16, TARGET_AVX512, __m512,
     _mm512_cvtne2ps_pbh(_mm512_set1_ps(1e-9f), _mm512_set1_ps(1e-9f)), _mm512_dpbf16_ps(sum, x, x))
PEAK(multiply_int8, TARGET_AVX512, __m512i, _mm512_set1_epi8(1), _mm512_dpbusd_epi32(sum, x, x))
PEAK(multiply_f32_avx2, TARGET_AVX2, __m256, _mm256_set1_ps(1e-9f), _mm256_fmadd_ps(x, x, sum))
PEAK(multiply_int8_avx2_vnni, TARGET_AVX2_VNNI, __m256i, _mm256_set1_epi8(1),
     _mm256_dpbusd_avx_epi32(sum, x, x))
// What stands for VPDPBUSD where it is missing.
PEAK(multiply_int8_avx2, TARGET_AVX2, __m256i, _mm256_set1_epi8(1), ({
       __m256i own = x;  // or all sums would share one product
       asm volatile("" : "+x"(own));
       _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(own, x), _mm256_set1_epi16(1)));
     }))
#undef PEAK

bool has_avx512() {
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni");
}

}  // namespace

double read_bandwidth(std::size_t bytes) {
  const Buffer buffer(bytes / sizeof(float));
  const int passes = static_cast<int>((std::size_t{64} << 20) / bytes) + 1;
  const double time = fastest([&] {
    for (int i = 0; i < passes; ++i) {
      (has_avx512() ? read_avx512 : read_avx2)(buffer.data(), buffer.size());
    }
  });
  return static_cast<double>(bytes) * passes / time;
}

double peak_multiply_adds(kernels::DType type) {
  using kernels::DType;
  const double in_all = double{kSums} * kRounds;
  if (!has_avx512()) {
    const bool vnni = kernels::find_table(kernels::Isa::avx2_vnni) != nullptr;
    if (type == DType::int8 && vnni) return in_all * 32 / fastest(multiply_int8_avx2_vnni);
    if (type == DType::int8) return in_all * 32 / fastest(multiply_int8_avx2);
    return in_all * 8 / fastest(multiply_f32_avx2);  // bf16 is widened
  }
  if (type == DType::int8) return in_all * 64 / fastest(multiply_int8);
  if (type == DType::bf16 && __builtin_cpu_supports("avx512bf16")) {
    return in_all * 32 / fastest(multiply_bf16);
  }
  return in_all * 16 / fastest(multiply_f32);
}

}  // namespace sapwood::bench
