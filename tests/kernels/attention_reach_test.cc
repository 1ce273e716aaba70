// Attention with a bias by distance, and with a reach: against the oracle; what lies beyond the reach is not read.
#include <cmath>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/bf16.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

struct LocalCase {
  int length, heads, head_dim;
  bool bias;
  int reach;
};

// Fills qkv, and runs attention over it as f32 or, rounded, as bf16.
class LocalRun {
 public:
  LocalRun(const LocalCase& c, DType type)
      : real_(static_cast<std::size_t>(c.length) * 3 * c.heads * c.head_dim),
        narrow_(real_.size() * sizeof(Bf16)),
        bias_(static_cast<std::size_t>(c.heads * attention_distances(c.length))),
        out_(static_cast<std::size_t>(c.length) * c.heads * c.head_dim),
        scratch_(attention_scratch(c.length, c.head_dim)),
        type_(type) {
    Random random(c.length * 100 + c.head_dim);
    random.fill({real_.data(), real_.size()});
    random.fill({bias_.data(), bias_.size()}, 8.0f);
    fill_canary({out_.data(), out_.size()});
    fill_canary({scratch_.data(), scratch_.size()});
    args_ = {.qkv = real_.data(),
             .out = out_.data(),
             .out_type = DType::f32,
             .scratch = scratch_.data(),
             .length = c.length,
             .heads = c.heads,
             .head_dim = c.head_dim,
             .head_begin = 0,
             .head_end = c.heads,
             .scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim)),
             .bias = c.bias ? bias_.data() + c.length - 1 : nullptr,
             .bias_stride = attention_distances(c.length),
             .reach = c.reach};
  }

  Floats& qkv() { return real_; }
  const Floats& out() const { return out_; }
  const AttentionArgs& args() const { return args_; }

  void run(const KernelTable& table) {
    if (type_ == DType::f32) return table.attention_f32(args_);
    for (std::size_t i = 0; i < real_.size(); ++i) {
      const Bf16 rounded = bf16_of(real_[i]);
      reinterpret_cast<Bf16*>(narrow_.data())[i] = rounded;
      real_[i] = float_of(rounded);
    }
    args_.qkv = narrow_.data();
    table.attention_bf16(args_);
  }

  void check(const KernelTable& table) {
    run(table);
    const auto expected = oracle::attention(real_.data(), args_);
    INFO(table.name << " length " << args_.length << " head_dim " << args_.head_dim << " reach "
                    << args_.reach << (args_.bias != nullptr ? " with bias" : ""));
    // Of attention_test.cc, with scores that are larger by the bias; each weight of bf16 is rounded by at most 2^-9.
    const double bound = type_ == DType::f32 ? 2e-5 : 4.5 * std::ldexp(1.0, -9);
    CHECK(largest_difference(out_.data(), expected.data(), out_.size()) < bound);
    CHECK((out_.intact() && scratch_.intact()));
  }

 private:
  Floats real_;
  GuardedBytes narrow_;
  Floats bias_, out_, scratch_;
  DType type_;
  AttentionArgs args_{};
};

void check_every_type(const KernelTable& table, const LocalCase& c) {
  LocalRun(c, DType::f32).check(table);
  if (table.attention_bf16 != nullptr && c.head_dim % 2 == 0) LocalRun(c, DType::bf16).check(table);
}

}  // namespace

TEST_CASE("attention with a bias: every length around the tiles agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (int length = 1; length <= 52; ++length)
        check_every_type(*table, {length, 2, 32, true, kWholeSequence});
      for (const int length : {63, 64, 65, 131, 200})
        check_every_type(*table, {length, 3, 20, true, kWholeSequence});
    }
  }
}

TEST_CASE("attention with a reach: lengths and reaches around the tiles agree with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int length : {1, 2, 15, 16, 17, 33, 48, 65, 131, 200}) {
        for (const int reach : {0, 1, 7, 8, 15, 16, 17, 47, 64, 199, 200}) {
          check_every_type(*table, {length, 2, 16, (length + reach) % 2 == 0, reach});
        }
      }
    }
  }
}

TEST_CASE("attention: a reach over the whole sequence changes no bit") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int length : {1, 29, 64, 100}) {
        LocalRun whole({length, 2, 24, false, kWholeSequence}, DType::f32);
        whole.run(*table);
        for (const int reach : {length - 1, length, length + 1}) {
          LocalRun local({length, 2, 24, false, reach}, DType::f32);
          local.run(*table);
          CHECK(first_difference(whole.out().data(), local.out().data(), local.out().size()) == -1);
        }
      }
    }
  }
}

TEST_CASE("attention with a reach does not touch what lies far beyond it") {
  constexpr int kLength = 512, kDim = 16, kReach = 8, kBad = 300;
  constexpr int kTile =
      24 + kPanelWidth;  // keys that a tile of queries reads beyond its reach, at most
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      LocalRun local({kLength, 1, kDim, false, kReach}, DType::f32);
      for (int d = 0; d < 3 * kDim; ++d) local.qkv()[kBad * 3 * kDim + d] = kNan;
      local.run(*table);
      for (int i = 0; i < kLength; ++i) {
        const bool bad = std::isnan(local.out()[i * kDim]);
        const int distance = std::abs(i - kBad);
        if (distance <= kReach) CHECK(bad);
        if (distance > kReach + kTile) CHECK_FALSE(bad);
      }
    }
  }
}

}  // namespace sapwood::kernels::test
