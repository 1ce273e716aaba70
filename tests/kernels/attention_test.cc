// Attention: against the oracle for every length and head width around the tiles; splits over
// heads.
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "oracle.h"
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
  table.attention(
      {qkv.data(), out.data(), scratch.data(), c.length, c.heads, c.head_dim, 0, c.heads, scale});
  const auto expected = oracle::attention(qkv.data(), c.length, c.heads, c.head_dim, double{scale});
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
      table->attention({qkv.data(), out.data(), scratch.data(), kLength, 1, kDim, 0, 1, 0.25f});
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
      table->attention(
          {qkv.data(), together.data(), scratch.data(), kLength, kHeads, kDim, 0, kHeads, 0.2f});
      for (int begin = 0; begin <= kHeads; ++begin) {
        for (int end = begin; end <= kHeads; ++end) {
          Floats part(together.size());
          fill_canary({part.data(), part.size()});
          table->attention(
              {qkv.data(), part.data(), scratch.data(), kLength, kHeads, kDim, begin, end, 0.2f});
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
      table->attention({qkv.data(), out.data(), scratch.data(), kLength, 1, kDim, 0, 1, 0.2f});
      for (int i = 1; i < kLength; ++i) {
        CHECK(first_difference(out.data(), out.data() + i * kDim, kDim) == -1);
      }
    }
  }
}

}  // namespace sapwood::kernels::test
