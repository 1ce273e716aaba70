// Attention: against the oracle for every length and head width around the tiles; splits over
// heads.
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/bf16.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

struct Case {
  int length, heads, head_dim;
  float spread;  // standard deviation of q, k and v
};

void check(const KernelTable& table, const Case& c) {
  const std::size_t hidden = static_cast<std::size_t>(c.heads) * c.head_dim;
  Floats qkv(c.length * 3 * hidden), out(c.length * hidden);
  Floats scratch(attention_scratch(c.length, c.head_dim));
  Random(c.length * 100 + c.head_dim).fill({qkv.data(), qkv.size()}, c.spread);
  fill_canary({out.data(), out.size()});
  fill_canary({scratch.data(), scratch.size()});  // NaN: what is not written must not be used
  const float scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim));
  const AttentionArgs args{qkv.data(), out.data(), DType::f32, scratch.data(), c.length,
                           c.heads,    c.head_dim, 0,          c.heads,        scale};
  table.attention_f32(args);
  const auto expected = oracle::attention(qkv.data(), args);
  INFO(table.name << " length " << c.length << " heads " << c.heads << " head_dim " << c.head_dim);
  // Scores are sums of head_dim products of size spread^2, rounded and scaled; the weights carry
  // twice their error, and the output is a weighted mean of values of size spread.
  const double score_error = 4 * c.spread * c.spread * std::sqrt(c.head_dim) * 1.2e-7;
  CHECK(largest_difference(out.data(), expected.data(), out.size()) <
        6 * c.spread * (2 * score_error + 4e-7));
  CHECK((out.intact() && scratch.intact()));
}

}  // namespace

TEST_CASE("attention: every length around the tiles agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (int length = 1; length <= 52; ++length) check(*table, {length, 2, 64, 1.0f});
      for (const int length : {63, 64, 65, 128, 131, 200, 512})
        check(*table, {length, 1, 32, 1.0f});
    }
  }
}

TEST_CASE("attention: every head width agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (int head_dim = 1; head_dim <= 80; ++head_dim) check(*table, {19, 2, head_dim, 1.0f});
      check(*table, {37, 1, 128, 1.0f});
      check(*table, {37, 3, 130, 1.0f});
    }
  }
}

TEST_CASE("attention: large scores") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      check(*table, {33, 2, 64, 4.0f});
      // One key wins by far more than exp can hold; the result is its value exactly.
      constexpr int kLength = 21, kDim = 20;
      Floats qkv(kLength * 3 * kDim), out(kLength * kDim),
          scratch(attention_scratch(kLength, kDim));
      Random(3).fill({qkv.data(), qkv.size()});
      for (int i = 0; i < kLength; ++i) {
        for (int d = 0; d < kDim; ++d) {
          qkv[i * 3 * kDim + d] = 1e3f;
          qkv[i * 3 * kDim + kDim + d] = i == 7 ? 1e3f : -1e3f;
        }
      }
      table->attention_f32(
          {qkv.data(), out.data(), DType::f32, scratch.data(), kLength, 1, kDim, 0, 1, 0.25f});
      bool exact = true;
      for (int i = 0; i < kLength; ++i) {
        for (int d = 0; d < kDim; ++d) {
          exact = exact && out[i * kDim + d] == qkv[7 * 3 * kDim + 2 * kDim + d];
        }
      }
      CHECK(exact);
    }
  }
}

TEST_CASE("attention: a split over heads changes nothing and writes only its heads") {
  constexpr int kLength = 29, kHeads = 5, kDim = 24, kHidden = kHeads * kDim;
  Floats qkv(kLength * 3 * kHidden);
  Random(5).fill({qkv.data(), qkv.size()});
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Floats together(kLength * kHidden), scratch(attention_scratch(kLength, kDim));
      table->attention_f32({qkv.data(), together.data(), DType::f32, scratch.data(), kLength,
                            kHeads, kDim, 0, kHeads, 0.2f});
      for (int begin = 0; begin <= kHeads; ++begin) {
        for (int end = begin; end <= kHeads; ++end) {
          Floats part(together.size());
          fill_canary({part.data(), part.size()});
          table->attention_f32({qkv.data(), part.data(), DType::f32, scratch.data(), kLength,
                                kHeads, kDim, begin, end, 0.2f});
          bool right = true;
          for (int i = 0; i < kLength; ++i) {
            for (int j = 0; j < kHidden; ++j) {
              const bool inside = j >= begin * kDim && j < end * kDim;
              const std::size_t at = static_cast<std::size_t>(i) * kHidden + j;
              right = right && (inside ? part[at] == together[at] : is_canary(part[at]));
            }
          }
          INFO(table->name << " heads " << begin << " to " << end);
          CHECK(right);
        }
      }
    }
  }
}

TEST_CASE("attention: a query's result does not depend on where it stands") {
  // The same rows in another order: each query sees the same keys in another order, so only
  // rotations that keep the order of keys can be compared bit by bit: identical rows must give
  // identical results.
  constexpr int kLength = 43, kDim = 32;
  Floats qkv(kLength * 3 * kDim), out(kLength * kDim), scratch(attention_scratch(kLength, kDim));
  Random random(6);
  random.fill({qkv.data(), qkv.size()});
  for (int i = 1; i < kLength; ++i) {
    for (int d = 0; d < kDim; ++d) qkv[i * 3 * kDim + d] = qkv[d];  // one query, keys as they are
  }
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      table->attention_f32(
          {qkv.data(), out.data(), DType::f32, scratch.data(), kLength, 1, kDim, 0, 1, 0.2f});
      for (int i = 1; i < kLength; ++i) {
        CHECK(first_difference(out.data(), out.data() + i * kDim, kDim) == -1);
      }
    }
  }
}

namespace {

// Tables whose attention takes bf16; the others are named.
std::vector<const KernelTable*> bf16_tables() {
  std::vector<const KernelTable*> list;
  for (const KernelTable* table : tables()) {
    if (table->attention_bf16 != nullptr) list.push_back(table);
  }
  if (list.empty()) WARN("skipped: attention over bf16, this CPU does not multiply bf16");
  return list;
}

// All heads over bf16 operands that end at a guard page, into floats and into bf16.
void check_bf16(const KernelTable& table, int length, int heads, int head_dim) {
  const std::size_t hidden = static_cast<std::size_t>(heads) * head_dim;
  const std::size_t count = length * 3 * hidden;
  std::vector<float> real(count);
  Random(length * 100 + head_dim).fill(real);
  GuardedBytes qkv(count * sizeof(Bf16)), narrow(length * hidden * sizeof(Bf16));
  for (std::size_t i = 0; i < count; ++i) {
    const Bf16 rounded = bf16_of(real[i]);
    reinterpret_cast<Bf16*>(qkv.data())[i] = rounded;
    real[i] = float_of(rounded);
  }
  Floats out(length * hidden), scratch(attention_scratch(length, head_dim));
  fill_canary({scratch.data(), scratch.size()});
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  AttentionArgs args{.qkv = qkv.data(),
                     .out = out.data(),
                     .out_type = DType::f32,
                     .scratch = scratch.data(),
                     .length = length,
                     .heads = heads,
                     .head_dim = head_dim,
                     .head_begin = 0,
                     .head_end = heads,
                     .scale = scale};
  table.attention_bf16(args);
  const auto expected = oracle::attention(real.data(), args);
  INFO(table.name << " length " << length << " heads " << heads << " head_dim " << head_dim);
  // Each weight is rounded by at most 2^-9 of itself, and values are of size 1: at most about 4.
  CHECK(largest_difference(out.data(), expected.data(), out.size()) < 4.5 * std::ldexp(1.0, -9));
  CHECK((out.intact() && scratch.intact()));
  args.out = narrow.data();
  args.out_type = DType::bf16;
  table.attention_bf16(args);
  bool rounded = narrow.intact();
  for (std::size_t i = 0; i < out.size(); ++i) {
    rounded = rounded && reinterpret_cast<Bf16*>(narrow.data())[i] == bf16_of(out[i]);
  }
  CHECK(rounded);
}

}  // namespace

TEST_CASE("attention, bf16: lengths and head widths around the tiles") {
  for (const KernelTable* table : bf16_tables()) {
    for (int length = 1; length <= 52; ++length) check_bf16(*table, length, 2, 64);
    for (const int length : {63, 64, 65, 128, 131, 200, 512}) check_bf16(*table, length, 1, 32);
    for (int head_dim = 2; head_dim <= 80; head_dim += 2) check_bf16(*table, 19, 2, head_dim);
    check_bf16(*table, 37, 3, 130);
  }
}

TEST_CASE("attention, bf16: a query's result does not depend on where it stands") {
  constexpr int kLength = 43, kDim = 32;
  std::vector<float> real(kLength * 3 * kDim);
  Random(6).fill(real);
  std::vector<Bf16> qkv(real.size());
  for (std::size_t i = 0; i < real.size(); ++i) {
    const std::size_t d = i % (3 * kDim);
    qkv[i] = bf16_of(d < kDim ? real[d] : real[i]);  // one query, keys as they are
  }
  Floats out(kLength * kDim), scratch(attention_scratch(kLength, kDim));
  for (const KernelTable* table : bf16_tables()) {
    table->attention_bf16(
        {qkv.data(), out.data(), DType::f32, scratch.data(), kLength, 1, kDim, 0, 1, 0.2f});
    for (int i = 1; i < kLength; ++i) {
      CHECK(first_difference(out.data(), out.data() + i * kDim, kDim) == -1);
    }
  }
}

}  // namespace sapwood::kernels::test
