// Dense products by oneDNN instead of our kernels.
#include "catch.h"
#include "golden.h"
#include "sapwood/inspect.h"

namespace sapwood::test {
namespace {

// |a - b| / |b| over all numbers.
double distance(const std::vector<std::vector<float>>& a,
                const std::vector<std::vector<float>>& b) {
  double difference = 0, norm = 0;
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].size() == b[i].size());
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      difference += (double{a[i][j]} - b[i][j]) * (double{a[i][j]} - b[i][j]);
      norm += double{b[i][j]} * b[i][j];
    }
  }
  return std::sqrt(difference / norm);
}

int products_by_onednn(const Model& model) {
  int count = 0;
  for (const NodeSummary& node : summarize(model).nodes) {
    count += node.kernel == "onednn_matmul_" + node.dtype;
  }
  return count;
}

// False, with a line that says so, where oneDNN has no products of the type here.
bool onednn_serves(WeightType dtype) {
  try {
    Model::load(golden_dir() / "distilbert-base", {.dtype = dtype, .dense = DenseProducts::onednn});
    return true;
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(std::string(error.what()).find("native") != std::string::npos);
    skipped("oneDNN's products in " + std::string(to_string(dtype)) + ": " + error.what());
    return false;
  }
}

TEST_CASE("oneDNN's products answer as ours", "[dense]") {
  for (const auto& [dtype, bound] :
       {std::pair(WeightType::f32, 1e-5), {WeightType::bf16, 2e-2}, {WeightType::int8, 2e-2}}) {
    if (!onednn_serves(dtype)) continue;
    for (const fs::path& folder : subdirectories(golden_dir())) {
      const Model native = Model::load(folder, {.dtype = dtype, .dense = DenseProducts::native});
      CHECK(products_by_onednn(native) == 0);
      const RandomTexts texts(native, 9, 5);
      const auto expected = run(native, texts.sequences, Output::hidden);
      for (const int threads : {1, 3}) {
        INFO("checkpoint: " << folder.filename() << ", " << to_string(dtype) << ", threads "
                            << threads);
        const Model onednn = Model::load(
            folder, {.dtype = dtype, .dense = DenseProducts::onednn, .threads = threads});
        CHECK(products_by_onednn(onednn) > 0);
        CHECK(distance(run(onednn, texts.sequences, Output::hidden), expected) < bound);
      }
    }
  }
}

TEST_CASE("f32 products are our own where nobody asks for others", "[dense]") {
  CHECK(products_by_onednn(Model::load(golden_dir() / "distilbert-base")) == 0);
}

}  // namespace
}  // namespace sapwood::test
