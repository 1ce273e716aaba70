// The promise that a text's result is bit-identical alone, in any batch, in any order, on any
// number of threads, loaded from a directory or from a converted file.
#include "catch.h"
#include "golden.h"
#include "sapwood/convert.h"

namespace sapwood::test {
namespace {

std::vector<Output> outputs_of(const Model& model) {
  std::vector<Output> outputs = {Output::hidden};
  if (model.config().head != HeadKind::none) outputs.push_back(Output::head);
  return outputs;
}

// Bitwise: == would let -0 pass for 0 and never accept NaN.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_same(const std::vector<std::vector<float>>& a,
                const std::vector<std::vector<float>>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("sequence " << i);
    CHECK(same_bits(a[i], b[i]));
  }
}

constexpr WeightType kTypes[] = {WeightType::f32, WeightType::bf16, WeightType::int8};

void check_batches(const fs::path& folder, Isa isa, WeightType dtype) {
  INFO("checkpoint: " << folder.filename() << ", instruction set: " << to_string(isa) << ", "
                      << to_string(dtype));
  const Model model = Model::load(folder, {.isa = isa, .dtype = dtype});
  const RandomTexts texts(model, 13, 7);
  std::vector<std::size_t> order(texts.sequences.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(11));
  std::vector<Sequence> shuffled;
  for (const std::size_t i : order) shuffled.push_back(texts.sequences[i]);

  for (const Output output : outputs_of(model)) {
    std::vector<std::vector<float>> alone;
    for (const Sequence& s : texts.sequences) alone.push_back(run(model, {s}, output)[0]);
    check_same(run(model, texts.sequences, output), alone);

    const auto mixed = run(model, shuffled, output);
    for (std::size_t i = 0; i < order.size(); ++i) CHECK(same_bits(mixed[i], alone[order[i]]));

    const Model small = Model::load(folder, {.isa = isa, .dtype = dtype, .batch_tokens = 1});
    check_same(run(small, texts.sequences, output), alone);
  }
}

TEST_CASE("a result does not depend on batch or order", "[invariance]") {
  for (const Isa isa : runnable_isas()) {
    for (const WeightType dtype : kTypes) {
      for (const fs::path& folder : subdirectories(golden_dir())) {
        check_batches(folder, isa, dtype);
      }
      for (const fs::path& folder : subdirectories(shared_dir() / "data/golden/crammed")) {
        check_batches(folder, isa, dtype);
      }
    }
  }
}

TEST_CASE("a result does not depend on threads", "[invariance][threads]") {
  for (const Isa isa : runnable_isas()) {
    for (const fs::path& folder : subdirectories(golden_dir())) {
      INFO("checkpoint: " << folder.filename() << ", instruction set: " << to_string(isa));
      const Model one = Model::load(folder, {.isa = isa});
      const RandomTexts texts(one, 40, 3);
      for (const int threads : {2, 3, 5}) {
        const Model several = Model::load(folder, {.isa = isa, .threads = threads});
        for (const Output output : outputs_of(one)) {
          check_same(run(several, texts.sequences, output), run(one, texts.sequences, output));
        }
      }
    }
  }
}

// Real models are large enough that their products really are split.
TEST_CASE("a shipped model's result does not depend on threads", "[invariance][threads]") {
  std::vector<std::pair<fs::path, WeightType>> models = {
      {find_model((source_dir() / "models/minilm-fff-ner").string()), WeightType::automatic}};
  for (const fs::path& folder : subdirectories(shared_dir() / "models")) {
    for (const WeightType dtype : kTypes) models.emplace_back(folder, dtype);
  }
  for (const auto& [path, dtype] : models) {
    INFO("model: " << path << ", type: " << to_string(dtype));
    const Model one = Model::load(path, {.dtype = dtype});
    const Model four = Model::load(path, {.dtype = dtype, .threads = 4});
    const RandomTexts texts(one, 6, 5);
    for (const Output output : outputs_of(one)) {
      check_same(run(four, texts.sequences, output), run(one, texts.sequences, output));
    }
  }
}

TEST_CASE("a converted model gives the same bits as its directory", "[invariance][converted]") {
  const TemporaryFolder temporary;
  for (const WeightType dtype : kTypes) {
    for (const fs::path& folder : subdirectories(golden_dir())) {
      INFO("checkpoint: " << folder.filename() << ", " << to_string(dtype));
      const fs::path file = temporary.path() / (folder.filename().string() + ".safetensors");
      convert(folder, file, {.dtype = dtype, .max_error = HUGE_VAL});
      const Model packed = Model::load(folder, {.dtype = dtype}), mapped = Model::load(file);
      const Model copied = Model::load(file, {.copy_weights = true});
      CHECK(mapped.config().labels == packed.config().labels);
      CHECK(mapped.max_length() == packed.max_length());
      const RandomTexts texts(packed, 5, 9);
      for (const Output output : outputs_of(packed)) {
        check_same(run(mapped, texts.sequences, output), run(packed, texts.sequences, output));
        check_same(run(copied, texts.sequences, output), run(packed, texts.sequences, output));
      }
      const std::string text = "Crème brûlée in Zürich, [MASK] 🙂 again";
      CHECK(mapped.encode(text).ids == packed.encode(text).ids);
      CHECK(mapped.encode(text).offsets == packed.encode(text).offsets);
    }
  }
}

}  // namespace
}  // namespace sapwood::test
