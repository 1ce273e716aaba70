// GELU, its tanh form, tanh, relu, SiLU and exp over all magnitudes, through the kernels that use them.
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "oracle.h"
#include "support.h"

namespace sapwood::kernels::test {
namespace {

// f(x) of each x: a product with k = 1 whose weights are the identity's.
std::vector<float> apply(const KernelTable& table, Activation activation,
                         const std::vector<float>& x) {
  const int n = static_cast<int>(x.size());
  Floats panels(round_up(n, kPanelWidth)), y(x.size());
  std::copy(x.begin(), x.end(), panels.begin());
  const float one = 1.0f;
  table.linear_f32({.x = &one,
                    .x_stride = 1,
                    .panels = panels.data(),
                    .bias = nullptr,
                    .y = y.data(),
                    .y_stride = n,
                    .m = 1,
                    .n = n,
                    .k = 1,
                    .activation = activation,
                    .panel_begin = 0,
                    .panel_end = static_cast<int>(panels.size()) / kPanelWidth});
  return {y.begin(), y.end()};
}

// Floats of both signs, from 1e-38 to 1e38, dense around the interesting part.
std::vector<float> arguments() {
  std::vector<float> x;
  for (int i = -16000; i <= 16000; ++i) x.push_back(static_cast<float>(i) / 1000.0f);
  for (int exponent = -126; exponent < 127; ++exponent) {
    for (const float f : {1.0f, 1.3f, 1.7f}) {
      x.push_back(std::ldexp(f, exponent));
      x.push_back(-x.back());
    }
  }
  while (x.size() % kPanelWidth != 0) x.push_back(0.0f);
  return x;
}

struct Errors {
  double relative_right = 0;  // of x > -1, relative to the exact value
  double absolute_left = 0;   // of x <= -1
  float at_right = 0, at_left = 0;
};

Errors measure(const KernelTable& table, Activation activation) {
  const std::vector<float> x = arguments(), y = apply(table, activation, x);
  Errors errors;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = oracle::activate(x[i], activation);
    const double error = std::abs(y[i] - exact);
    // Below the normal floats, half the smallest normal is as good as exact.
    const double relative = error / std::max(std::abs(exact), 1.2e-38);
    if (x[i] > -1 && !(relative <= errors.relative_right)) {
      errors.relative_right = relative;
      errors.at_right = x[i];
    }
    if (x[i] <= -1 && !(error <= errors.absolute_left)) {
      errors.absolute_left = error;
      errors.at_left = x[i];
    }
  }
  return errors;
}

}  // namespace

TEST_CASE("activation: accuracy over all magnitudes") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      // One unit in the last place is 6e-8 to 1.2e-7 of the value.
      const Errors gelu = measure(*table, Activation::gelu);
      CAPTURE(gelu.at_right, gelu.at_left);
      CHECK(gelu.relative_right < 3.6e-7);
      CHECK(gelu.absolute_left < 4e-8);

      // The argument of exp is rounded at about 2 |u| < 1.9 for x > -1.
      const Errors tanh_form = measure(*table, Activation::gelu_tanh);
      CAPTURE(tanh_form.at_right, tanh_form.at_left);
      CHECK(tanh_form.relative_right < 6e-7);
      CHECK(tanh_form.absolute_left < 1e-7);

      const Errors tanh = measure(*table, Activation::tanh);
      CAPTURE(tanh.at_right, tanh.at_left);
      CHECK(tanh.relative_right < 3.6e-7);
      CHECK(tanh.absolute_left < 1.8e-7);

      // Its least value is -0.28.
      const Errors silu = measure(*table, Activation::silu);
      CAPTURE(silu.at_right, silu.at_left);
      CHECK(silu.relative_right < 3.6e-7);
      CHECK(silu.absolute_left < 1e-7);

      // The argument of exp is rounded once more than that of SiLU, at up to 1.7 for x > -1.
      const Errors quick_gelu = measure(*table, Activation::quick_gelu);
      CAPTURE(quick_gelu.at_right, quick_gelu.at_left);
      CHECK(quick_gelu.relative_right < 6e-7);
      CHECK(quick_gelu.absolute_left < 1e-7);

      const Errors gelu_10 = measure(*table, Activation::gelu_10);
      CAPTURE(gelu_10.at_right, gelu_10.at_left);
      CHECK(gelu_10.relative_right < 3.6e-7);
      CHECK(gelu_10.absolute_left < 4e-8);

      const Errors relu = measure(*table, Activation::relu);
      CHECK(relu.relative_right == 0);
      CHECK(relu.absolute_left == 0);
    }
  }
}

TEST_CASE("activation: infinities and NaN") {
  const std::vector<float> x = {kInfinity, -kInfinity, kNan, 3e38f, -3e38f, 0.0f, -0.0f, 1e-45f};
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const Activation activation :
           {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::silu,
            Activation::quick_gelu, Activation::gelu_10}) {
        const std::vector<float> y = apply(*table, activation, x);
        INFO("activation " << static_cast<int>(activation));
        const bool bounded = activation == Activation::gelu_10;
        CHECK(y[0] == (bounded ? 10.0f : kInfinity));
        CHECK(std::abs(y[1]) < 1e-16);
        CHECK(std::isnan(y[2]));
        CHECK(y[3] == (bounded ? 10.0f : 3e38f));
        CHECK(std::abs(y[4]) < 1e-16);
        CHECK(y[5] == 0.0f);
        CHECK(y[6] == 0.0f);
        CHECK(std::abs(y[7]) <= 1e-45f);
      }
      const std::vector<float> y = apply(*table, Activation::tanh, x);
      CHECK(y[0] == 1.0f);
      CHECK(y[1] == -1.0f);
      CHECK(std::isnan(y[2]));
      CHECK(y[3] == 1.0f);
      CHECK(y[4] == -1.0f);
      CHECK(y[5] == 0.0f);
    }
  }
}

TEST_CASE("activation: the position of an element does not matter") {
  for (const KernelTable* table : tables()) {
    DYNAMIC_SECTION(table->name) {
      for (const Activation activation :
           {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::tanh,
            Activation::silu, Activation::quick_gelu, Activation::gelu_10}) {
        const std::vector<float> at_one = apply(*table, activation, {0.7f});
        for (int n = 2; n < 40; ++n) {
          std::vector<float> x(n, -1.3f);
          x.back() = 0.7f;
          CHECK(apply(*table, activation, x).back() == at_one[0]);
        }
      }
    }
  }
}

}  // namespace sapwood::kernels::test
