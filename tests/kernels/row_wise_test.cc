// LayerNorm, gates, rotary positions, embedding and pooling: against the oracle, on every width around the
// registers.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

constexpr int kWidths[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 100, 384, 768, 769};

}  // namespace

TEST_CASE("layer_norm: agrees with the oracle with and without residual and beta and sum") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : kWidths) {
        for (int variant = 0; variant < 8; ++variant) {
          const int rows = 1 + variant % 3;
          const std::size_t size = static_cast<std::size_t>(rows) * cols;
          Floats x(size), residual(size), gamma(cols), beta(cols), y(size), sum(size);
          Random random(cols + variant);
          // A mean far from zero shows whether the variance is computed in two passes.
          random.fill({x.data(), size});
          for (float& value : x) value += 30.0f;
          random.fill({residual.data(), size});
          random.fill({gamma.data(), gamma.size()});
          random.fill({beta.data(), beta.size()});
          fill_canary({y.data(), size});
          fill_canary({sum.data(), size});
          const float* r = (variant & 1) != 0 ? residual.data() : nullptr;
          const float* b = (variant & 2) != 0 ? beta.data() : nullptr;
          float* s = (variant & 4) != 0 ? sum.data() : nullptr;
          table->layer_norm({x.data(), r, gamma.data(), b, y.data(), s, rows, cols, 1e-3f});
          const auto expected =
              oracle::layer_norm(x.data(), r, gamma.data(), b, rows, cols, double{1e-3f});
          INFO(table->name << " cols " << cols << " variant " << variant);
          // Values near 30 are rounded at 2e-6; the smallest deviation in a row of two may be 0.03.
          double worst = 0;
          for (std::size_t i = 0; i < size; ++i) {
            worst = std::max(worst, std::abs(y[i] - expected[i]) / (1 + std::abs(expected[i])));
          }
          CHECK(worst < 1e-4);
          bool sums = true;
          for (std::size_t i = 0; i < size && s != nullptr; ++i) {
            sums = sums && sum[i] == (r == nullptr ? x[i] : x[i] + r[i]);
          }
          CHECK(sums);
          CHECK((y.intact() && sum.intact()));
        }
      }
    }
  }
}

TEST_CASE("layer_norm: may write over its inputs and may only sum") {
  constexpr int kRows = 3, kCols = 77;
  constexpr std::size_t kSize = kRows * kCols;
  Floats x(kSize), residual(kSize), gamma(kCols), beta(kCols);
  Random random(11);
  for (Floats* f : {&x, &residual, &gamma, &beta}) random.fill({f->data(), f->size()});
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Floats y(kSize), sum(kSize), a(kSize), b(kSize);
      const auto run = [&](const float* in, const float* res, float* out, float* s) {
        table->layer_norm({in, res, gamma.data(), beta.data(), out, s, kRows, kCols, 1e-5f});
      };
      const auto restore = [&] {
        std::copy(x.begin(), x.end(), a.begin());
        std::copy(residual.begin(), residual.end(), b.begin());
      };
      run(x.data(), residual.data(), y.data(), sum.data());

      restore();
      run(a.data(), b.data(), a.data(), b.data());  // y over x, sum over residual
      CHECK(first_difference(a.data(), y.data(), kSize) == -1);
      CHECK(first_difference(b.data(), sum.data(), kSize) == -1);

      restore();
      run(a.data(), b.data(), b.data(), a.data());  // y over residual, sum over x
      CHECK(first_difference(b.data(), y.data(), kSize) == -1);
      CHECK(first_difference(a.data(), sum.data(), kSize) == -1);

      restore();
      run(a.data(), b.data(), b.data(), nullptr);
      CHECK(first_difference(b.data(), y.data(), kSize) == -1);

      restore();
      run(a.data(), b.data(), nullptr, a.data());  // only the sum
      CHECK(first_difference(a.data(), sum.data(), kSize) == -1);

      restore();  // a row alone, in place
      table->layer_norm({a.data() + kCols, b.data() + kCols, gamma.data(), beta.data(),
                         a.data() + kCols, nullptr, 1, kCols, 1e-5f});
      CHECK(first_difference(a.data() + kCols, y.data() + kCols, kCols) == -1);
    }
  }
}

TEST_CASE("layer_norm: quantizes as quantize does, and rows do not depend on each other") {
  constexpr int kMost = 9;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : kWidths) {
        const std::size_t size = static_cast<std::size_t>(kMost) * cols;
        Floats x(size), residual(size), gamma(cols), beta(cols), y(size);
        Random random(cols);
        for (Floats* f : {&x, &residual, &gamma, &beta}) random.fill({f->data(), f->size()});
        const std::int64_t stride = round_up(cols, 4);
        const auto run = [&](int first, int rows, float* to, std::byte* q, RowScale* scales) {
          table->layer_norm({x.data() + first * cols, residual.data() + first * cols, gamma.data(),
                             beta.data(), to, nullptr, rows, cols, 1e-5f,
                             reinterpret_cast<std::uint8_t*>(q), stride, scales});
        };
        for (int rows = 1; rows <= kMost; ++rows) {
          GuardedBytes q(static_cast<std::size_t>(rows * stride));
          std::vector<RowScale> scales(rows), expected_scales(rows);
          std::vector<std::uint8_t> expected(rows * stride);
          run(0, rows, y.data(), q.data(), scales.data());
          table->quantize({y.data(), expected.data(), stride, expected_scales.data(), rows, cols});
          INFO(table->name << " cols " << cols << " rows " << rows);
          CHECK(std::equal(expected.begin(), expected.end(),
                           reinterpret_cast<const std::uint8_t*>(q.data())));
          CHECK((q.intact() && y.intact()));
          bool same = true;
          for (int i = 0; i < rows; ++i) {
            same = same && scales[i].scale == expected_scales[i].scale &&
                   scales[i].zero == expected_scales[i].zero;
          }
          CHECK(same);
          // The last row alone.
          std::vector<float> alone(cols);
          run(rows - 1, 1, alone.data(), q.data(), scales.data());
          CHECK(first_difference(alone.data(), y.data() + (rows - 1) * cols, cols) == -1);
        }
      }
      // What is not finite is flagged by the scale.
      std::vector<float> x(2 * 40, 1.0f), ones(40, 1.0f), y(2 * 40);
      x[20] = kNan;
      std::vector<std::uint8_t> q(2 * 40);
      RowScale scales[2];
      table->layer_norm({x.data(), nullptr, ones.data(), ones.data(), y.data(), nullptr, 2, 40,
                         1e-5f, q.data(), 40, scales});
      CHECK(std::isnan(scales[0].scale));
      CHECK(scales[1].scale == 1.0f / 255.0f);
    }
  }
}

TEST_CASE("layer_norm: constant rows give beta") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      Floats x(33), gamma(33), beta(33), y(33);
      std::fill(x.begin(), x.end(), 4.0f);
      Random(1).fill({gamma.data(), gamma.size()});
      Random(2).fill({beta.data(), beta.size()});
      table->layer_norm(
          {x.data(), nullptr, gamma.data(), beta.data(), y.data(), nullptr, 1, 33, 1e-12f});
      CHECK(first_difference(y.data(), beta.data(), 33) == -1);
    }
  }
}

TEST_CASE("glu: every activation agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : kWidths) {
        const auto activation = static_cast<Activation>(cols % 6);
        const int rows = 2;
        Floats x(static_cast<std::size_t>(rows) * 2 * cols),
            y(static_cast<std::size_t>(rows) * cols);
        Random(cols).fill({x.data(), x.size()}, 2.0f);
        for (const Activation gate : {activation, Activation::gelu, Activation::silu}) {
          table->glu({x.data(), y.data(), rows, cols, gate});
          double worst = 0;
          for (int i = 0; i < rows; ++i) {
            for (int j = 0; j < cols; ++j) {
              const float* row = x.data() + i * 2 * cols;
              const double expected = oracle::activate(row[j], gate) * row[cols + j];
              worst =
                  std::max(worst, std::abs(y[static_cast<std::size_t>(i) * cols + j] - expected) /
                                      (1 + std::abs(expected)));
            }
          }
          INFO(table->name << " cols " << cols << " activation " << static_cast<int>(gate));
          CHECK(worst < 5e-7);
          CHECK(y.intact());
        }
      }
    }
  }
}

namespace {

// Into rows of their own, in place, and as bf16.
void check_rotary(const KernelTable& table, int heads, int head_dim) {
  constexpr int kRows = 3, kPositions = 7;
  const std::size_t count = static_cast<std::size_t>(kRows) * 3 * heads * head_dim;
  Floats x(count), y(count), angles(static_cast<std::size_t>(kPositions) * head_dim);
  GuardedBytes narrow(count * sizeof(Bf16));
  Random random(head_dim);
  random.fill({x.data(), x.size()});
  random.fill({angles.data(), angles.size()});
  const std::int32_t positions[kRows] = {kPositions - 1, 0, 3};
  RotaryArgs args{x.data(), y.data(), DType::f32, positions, angles.data(), kRows, heads, head_dim};
  table.rotary(args);
  const std::vector<double> expected = oracle::rotary(args);
  INFO(table.name << " heads " << heads << " head_dim " << head_dim);
  CHECK(largest_difference(y.data(), expected.data(), count) < 2e-6);
  CHECK((y.intact() && x.intact()));
  args.y = narrow.data();
  args.y_type = DType::bf16;
  table.rotary(args);
  bool rounded = narrow.intact();
  for (std::size_t i = 0; i < count; ++i) {
    rounded = rounded && reinterpret_cast<const Bf16*>(narrow.data())[i] == bf16_of(y[i]);
  }
  CHECK(rounded);
  args.y = x.data();
  args.y_type = DType::f32;
  table.rotary(args);
  CHECK(first_difference(x.data(), y.data(), count) == -1);
}

}  // namespace

TEST_CASE("rotary: every head width agrees with the oracle") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (int head_dim = 2; head_dim <= 80; head_dim += 2) check_rotary(*table, 2, head_dim);
      check_rotary(*table, 1, 130);
      check_rotary(*table, 12, 64);
    }
  }
}

TEST_CASE("embedding: adds the rows that the indices name") {
  constexpr int kVocabulary = 50, kPositions = 20, kRows = 13;
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : kWidths) {
        Floats word(static_cast<std::size_t>(kVocabulary) * cols);
        Floats position(static_cast<std::size_t>(kPositions) * cols), type(2 * cols);
        Floats y(static_cast<std::size_t>(kRows) * cols);
        Random random(cols);
        for (Floats* f : {&word, &position, &type}) random.fill({f->data(), f->size()});
        std::int32_t ids[kRows], positions[kRows], types[kRows];
        for (int i = 0; i < kRows; ++i) {
          ids[i] = i == 0 ? kVocabulary - 1 : random.below(kVocabulary);
          positions[i] = random.below(kPositions);
          types[i] = random.below(2);
        }
        std::vector<Bf16> narrow(word.size());
        std::vector<std::int8_t> bytes(word.size());
        std::vector<float> scales(kVocabulary);
        for (int id = 0; id < kVocabulary; ++id) {
          const float* row = word.data() + std::size_t(id) * cols;
          scales[id] = int8_scale(row, cols);
          for (int j = 0; j < cols; ++j) {
            narrow[std::size_t(id) * cols + j] = bf16_of(row[j]);
            bytes[std::size_t(id) * cols + j] = int8_of(row[j], scales[id]);
          }
        }
        // The same weights as a decoder has them: the words of int8 then have the same scales.
        Floats panels(packed_linear_size(kVocabulary, cols));
        std::vector<Bf16> narrow_panels(packed_linear_size(kVocabulary, cols, DType::bf16));
        std::vector<std::int8_t> byte_panels(packed_linear_size(kVocabulary, cols, DType::int8));
        std::vector<float> column_scales(round_up(kVocabulary, kPanelWidth));
        std::vector<std::int32_t> sums(column_scales.size());
        pack_linear(word.data(), kVocabulary, cols, panels.data());
        pack_linear_bf16(word.data(), kVocabulary, cols, narrow_panels.data());
        pack_linear_int8(word.data(), kVocabulary, cols, byte_panels.data(), column_scales.data(),
                         sums.data());
        const void* const tables_of_words[2][3] = {
            {word.data(), narrow.data(), bytes.data()},
            {panels.data(), narrow_panels.data(), byte_panels.data()}};
        for (int variant = 0; variant < 24; ++variant) {
          const bool with_position = (variant & 1) != 0, with_type = (variant & 2) != 0;
          const bool packed = variant >= 12;
          const auto type_of_words = static_cast<DType>(variant % 12 / 4);
          table->embedding({.ids = ids,
                            .positions = positions,
                            .types = with_type ? types : nullptr,
                            .word = tables_of_words[packed][variant % 12 / 4],
                            .word_type = type_of_words,
                            .word_scales = packed ? column_scales.data() : scales.data(),
                            .word_panels = packed,
                            .position = with_position ? position.data() : nullptr,
                            .type = with_type ? type.data() : nullptr,
                            .y = y.data(),
                            .rows = kRows,
                            .cols = cols});
          bool right = y.intact();
          for (int i = 0; i < kRows; ++i) {
            for (int j = 0; j < cols; ++j) {
              const std::size_t at = std::size_t(ids[i]) * cols + j;
              float expected = type_of_words == DType::f32    ? word[at]
                               : type_of_words == DType::bf16 ? float_of(narrow[at])
                                                              : bytes[at] * scales[ids[i]];
              if (with_position) expected += position[positions[i] * cols + j];
              if (with_type) expected += type[types[i] * cols + j];
              right = right && y[static_cast<std::size_t>(i) * cols + j] == expected;
            }
          }
          INFO(table->name << " cols " << cols << " variant " << variant);
          CHECK(right);
        }
      }
    }
  }
}

TEST_CASE("pool: mean in row order and first row and maximum") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const int cols : kWidths) {
        for (const int rows : {1, 2, 5}) {
          Floats x(static_cast<std::size_t>(rows) * cols), y(cols);
          Random(cols + rows).fill({x.data(), x.size()});
          for (const Pooling pooling : {Pooling::mean, Pooling::cls, Pooling::max}) {
            table->pool({x.data(), y.data(), rows, cols, pooling});
            bool right = y.intact();
            for (int j = 0; j < cols; ++j) {
              float expected = x[j];
              for (int i = 1; i < rows; ++i) {
                const float value = x[i * cols + j];
                if (pooling == Pooling::mean) expected += value;
                if (pooling == Pooling::max) expected = std::max(expected, value);
              }
              if (pooling == Pooling::mean) expected /= static_cast<float>(rows);
              right = right && y[j] == expected;
            }
            INFO(table->name << " cols " << cols << " rows " << rows);
            CHECK(right);
          }
        }
      }
      // A NaN in any row stays.
      const float x[] = {kNan, 1.0f, 2.0f, kNan, 3.0f, 4.0f};
      float y[2];
      table->pool({x, y, 3, 2, Pooling::max});
      CHECK(std::isnan(y[0]));
      CHECK(std::isnan(y[1]));
    }
  }
}

}  // namespace sapwood::kernels::test
