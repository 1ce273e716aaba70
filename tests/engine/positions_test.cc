// How many positions a model has may stand in its configuration alone: where the table of positions
// is computed, and where there is none. That number costs no memory then.
#include <sys/resource.h>

#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "catch.h"
#include "mutate.h"
#include "sanitizer.h"
#include "weights/placement.h"
#include "weights/weight_table.h"

namespace sapwood::test {
namespace {

json crammed(const std::string& positions, int count) {
  return {
      {"model_type", "crammedBERT"},
      {"architectures", {"ScriptableLM"}},
      {"arch",
       {{"hidden_size", 16},
        {"num_transformer_layers", 1},
        {"intermed_size", 16},
        {"embedding", {{"vocab_size", 8}, {"pos_embedding", positions}, {"max_seq_length", count}}},
        {"attention", {{"num_attention_heads", 1}}}}}};
}

// The configuration with all the tensors that it asks for, every number of them 0.5.
void write_model(const fs::path& folder, const json& config) {
  std::ofstream(folder / "config.json") << config;
  const auto document = JsonDocument::parse(config.dump(), "config.json");
  std::vector<std::vector<float>> values;
  std::vector<TensorToWrite> tensors;
  for (const PackedSpec& spec : weight_table(parse_config(document.root()), {}, "")) {
    for (const SourceTensor& source : spec.sources) {
      values.emplace_back(elements(source.shape), 0.5f);
      tensors.push_back({.name = source.names[0],
                         .dtype = TensorDtype::f32,
                         .shape = source.shape,
                         .data = reinterpret_cast<const std::byte*>(values.back().data())});
    }
  }
  write_safetensors(folder / "model.safetensors", {}, tensors);
}

// The most memory that this process ever had, in bytes.
std::int64_t peak_bytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} << 10;
}

constexpr std::int64_t kLittle = 16 << 20;
constexpr const char* kMeasure = "a measure of memory, because it keeps what is freed";
const LoadOptions kBare{.threads = 1, .tokenizer = false};

TEST_CASE("HOSTILE 18: a computed table of positions is no larger than the checkpoint warrants",
          "[weights][hostile]") {
  for (const char* kind : {"sinusoidal", "scaled-sinusoidal"}) {
    const TemporaryFolder folder;
    write_model(folder.path(), crammed(kind, 32));
    CHECK(Model::load(folder.path(), kBare).config().max_positions == 32);
    // Tables of 128 MiB and 4 GiB; up to 64 MiB harm nobody.
    for (const int hidden : {32, 1024}) {
      json config = crammed(kind, 1 << 20);
      config["arch"]["hidden_size"] = hidden;
      write_model(folder.path(), config);
      const std::int64_t before = peak_bytes();
      check_load_error(folder.path(), ErrorCode::mismatch,
                       {"model.safetensors: ", "1048576 positions",
                        std::to_string((std::int64_t{hidden} * 4) << 20) + " bytes"});
      if (!sanitized(kMeasure)) CHECK(peak_bytes() - before < kLittle);
    }
  }
}

TEST_CASE("HOSTILE 18: tables of angles are no larger than the checkpoint warrants",
          "[weights][hostile]") {
  const TemporaryFolder folder;
  json config = {{"model_type", "nomic_bert"},
                 {"vocab_size", 8},
                 {"hidden_size", 32},
                 {"num_hidden_layers", 1},
                 {"num_attention_heads", 1},
                 {"intermediate_size", 8},
                 {"max_position_embeddings", 1024},
                 {"architectures", {"NomicBertModel"}}};
  write_model(folder.path(), config);
  CHECK(Model::load(folder.path(), kBare).config().max_positions == 1024);
  config["max_position_embeddings"] = 1 << 20;  // 128 MiB
  write_model(folder.path(), config);
  const std::int64_t before = peak_bytes();
  check_load_error(
      folder.path(), ErrorCode::mismatch,
      {"model.safetensors: ", "1048576 positions", std::to_string(128 << 20) + " bytes"});
  if (!sanitized(kMeasure)) CHECK(peak_bytes() - before < kLittle);
}

TEST_CASE("many positions of a rotary model take memory only where they are used",
          "[weights][memory]") {
  const TemporaryFolder folder;
  write_model(folder.path(), {{"model_type", "modernbert"},
                              {"vocab_size", 8},
                              {"hidden_size", 256},
                              {"num_hidden_layers", 4},
                              {"num_attention_heads", 4},
                              {"intermediate_size", 384},
                              {"max_position_embeddings", 8192}});
  const Model model = Model::load(folder.path(), kBare);
  CHECK(model.max_length() == 8192);
  const std::vector<std::int32_t> ids{1, 2, 3};
  const std::int64_t before = peak_bytes();
  CHECK(run(model, {{.ids = ids}}, Output::hidden).at(0).size() == 3 * 256);
  if (!sanitized(kMeasure)) CHECK(peak_bytes() - before < kLittle);
}

TEST_CASE("HOSTILE 18: positions without a table take memory only where they are used",
          "[weights][hostile]") {
  const TemporaryFolder folder;
  write_model(folder.path(), crammed("none", 1 << 20));
  const std::int64_t before = peak_bytes();
  const Model model = Model::load(folder.path(), kBare);
  CHECK(model.max_length() == 1 << 20);
  const std::vector<std::int32_t> ids{1, 2, 3};
  const auto states = run(model, {{.ids = ids}}, Output::hidden);
  CHECK(states.at(0).size() == 3 * 16);
  if (!sanitized(kMeasure)) CHECK(peak_bytes() - before < kLittle);
}

}  // namespace
}  // namespace sapwood::test
