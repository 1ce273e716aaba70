// The first feedforward layer alone.
#include "feed_forward.h"

#include "catch.h"
#include "golden.h"

namespace sapwood::test {
namespace {

std::vector<float> random_rows(int rows, int cols) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<std::size_t>(rows) * cols);
  for (float& value : x) value = normal(random);
  return x;
}

std::vector<float> layer(const Model& model, const std::vector<float>& x) {
  FeedForward feed_forward(model);
  feed_forward.load(x);
  const MatrixView y = feed_forward.run();
  return {y.data, y.data + static_cast<std::size_t>(y.rows) * y.cols};
}

TEST_CASE("the first feedforward layer runs alone, row by row the same", "[feed_forward]") {
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO("checkpoint: " << folder.filename());
    const Model model = Model::load(folder), other = Model::load(folder, {.isa = Isa::scalar});
    const int cols = FeedForward(model).cols();
    CHECK(cols == model.config().hidden);
    const std::vector<float> x = random_rows(7, cols), all = layer(model, x);
    REQUIRE(all.size() == x.size());
    for (int row = 0; row < 7; ++row) {
      const std::vector<float> one(x.begin() + row * cols, x.begin() + (row + 1) * cols);
      CHECK(std::equal(one.begin(), one.end(), x.begin() + row * cols));
      const std::vector<float> y = layer(model, one);
      CHECK(std::equal(y.begin(), y.end(), all.begin() + row * cols));
    }
    const std::vector<float> scalar = layer(other, x);
    double worst = 0, norm = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      worst = std::max(worst, std::abs(double{all[i]} - scalar[i]));
      norm = std::max(norm, std::abs(double{scalar[i]}));
    }
    CHECK(norm > 0);
    CHECK(worst <= 1e-4 * (1 + norm));
  }
}

TEST_CASE("the first feedforward layer of int8 runs alone on floats", "[feed_forward]") {
  const fs::path folder = golden_dir() / "distilbert-base";
  const Model wide = Model::load(folder);
  const Model narrow = Model::load(folder, {.dtype = WeightType::int8});
  const std::vector<float> x = random_rows(5, wide.config().hidden);
  const std::vector<float> expected = layer(wide, x), y = layer(narrow, x);
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    difference += (y[i] - expected[i]) * (y[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  CHECK(difference <= 0.0025 * size);
}

TEST_CASE("a feedforward layer refuses what are no rows", "[feed_forward]") {
  const Model model = Model::load(golden_dir() / "distilbert-base");
  FeedForward feed_forward(model);
  for (const std::size_t size : {std::size_t{0}, std::size_t(feed_forward.cols() + 1)}) {
    try {
      feed_forward.load(std::vector<float>(size));
      FAIL("expected an error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
    }
  }
}

}  // namespace
}  // namespace sapwood::test
