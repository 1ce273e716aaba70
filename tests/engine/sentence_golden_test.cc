// What sentence-transformers' directories say, against what sentence-transformers makes of them
// (tests/golden/make_sentence.py), from the directory and from a converted file.
#include <map>

#include "catch.h"
#include "golden.h"
#include "sapwood/convert.h"
#include "sapwood/task_job.h"
#include "sapwood/tasks.h"

namespace sapwood::test {
namespace {

constexpr double kVectorTolerance = 1e-4;

fs::path sentence_dir() { return source_dir() / "tests/golden/sentence"; }

EmbedOptions options_of(const json& entry) {
  EmbedOptions options;
  if (entry.contains("prompt")) options.prompt = entry["prompt"].get<std::string>();
  if (entry.contains("prompt_name")) options.prompt_name = entry["prompt_name"].get<std::string>();
  if (entry.contains("truncate_dim")) options.dimensions = entry["truncate_dim"].get<int>();
  if (entry.contains("normalize_embeddings")) options.normalize = entry["normalize_embeddings"];
  return options;
}

void check_vectors(const Model& model, const json& entries) {
  for (const json& entry : entries) {
    const std::string text = entry.at("text");
    const TextInput input{text};
    const EmbedOptions options = options_of(entry);
    INFO("text: " << text << ", options: " << entry.value("prompt_name", "") << " "
                  << entry.value("prompt", "") << " " << entry.value("truncate_dim", 0));
    const Embedding found = embed(model, {&input, 1}, options)[0].value();
    CHECK(found.dim == embedding_size(model, options));
    CHECK(found.values.size() == entry.at("embedding").size());
    CHECK(max_difference(found.values, entry.at("embedding")) <= kVectorTolerance);
    std::vector<float> row(static_cast<std::size_t>(found.dim));
    embed_into(model, {&input, 1}, row, options)[0].value();
    CHECK(row == found.values);
  }
}

void check_rankings(const Model& model, const json& entries) {
  for (const json& entry : entries) {
    const auto texts = entry.at("texts").get<std::vector<std::string>>();
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    const Ranking found = rerank(model, entry.at("query").get<std::string>(), views).value();
    REQUIRE(found.texts.size() == entry.at("ranking").size());
    for (std::size_t i = 0; i < found.texts.size(); ++i) {
      const json& wanted = entry.at("ranking")[i];
      CHECK(found.texts[i].index == wanted.at("index").get<int>());
      const double score = wanted.at("score");
      CHECK(std::abs(found.texts[i].score - score) <= 1e-4 * std::max(1.0, std::abs(score)));
    }
  }
}

void check_sparse(const Model& model, const json& entries) {
  for (const json& entry : entries) {
    const std::string text = entry.at("text");
    const TextInput input{text};
    SparseOptions options;
    if (entry.contains("route"))
      options.route = from_string<Route>(entry["route"].get<std::string>());
    if (entry.contains("prompt_name")) options.prompt_name = entry["prompt_name"];
    if (entry.contains("max_active_dims")) options.max_active_dims = entry["max_active_dims"];
    INFO("text: " << text << ", route: " << entry.value("route", ""));
    const auto found = sparse_embed(model, {&input, 1}, options)[0].value().values;
    std::map<int, double> wanted;
    for (const json& value : entry.at("values")) wanted[value.at("index")] = value.at("value");
    // A number that is nearly zero may be on either side of it.
    for (const SparseValue& value : found) {
      const double right = wanted.contains(value.index) ? wanted[value.index] : 0;
      CHECK(std::abs(value.value - right) <= kVectorTolerance);
      wanted.erase(value.index);
    }
    for (const auto& [index, value] : wanted) CHECK(value <= kVectorTolerance);
  }
}

void check_tokens(const Model& model, const json& entries) {
  const EmbedOptions each{.pooling = PoolingMode::none};
  for (const json& entry : entries) {
    const std::string text = entry.at("text");
    const TextInput input{text};
    const Embedding found = embed(model, {&input, 1}, each)[0].value();
    CHECK(found.dim == embedding_size(model, each));
    CHECK(found.rows == static_cast<int>(entry.at("embedding").size()));
    CHECK(max_difference(found.values, entry.at("embedding")) <= kVectorTolerance);
  }
}

void check_all(const Model& model, const json& expected) {
  if (expected.contains("sparse")) check_sparse(model, expected["sparse"]);
  if (expected.contains("tokens")) check_tokens(model, expected["tokens"]);
  if (expected.contains("embed")) check_vectors(model, expected["embed"]);
  if (expected.contains("rerank")) check_rankings(model, expected["rerank"]);
}

TEST_CASE("sentence-transformers' directories answer as sentence-transformers", "[golden]") {
  const std::vector<fs::path> directories = subdirectories(sentence_dir());
  REQUIRE(directories.size() >= 25);
  const TemporaryFolder folder;
  for (const fs::path& directory : directories) {
    INFO(directory.filename());
    const json expected = read_json(directory / "expected.json");
    for (const Isa isa : {Isa::scalar, Isa::automatic}) {
      const Model model = Model::load(directory, {.isa = isa});
      // Whose class is not one of transformers'.
      CHECK((model.notices().empty() || directory.filename() == "token-vectors-colbert"));
      check_all(model, expected);
    }
    const fs::path file = folder.path() / (directory.filename().string() + ".safetensors");
    convert(directory, file);
    check_all(Model::load(file), expected);
  }
}

TEST_CASE("an int8 file keeps the modules behind the pooling exact", "[golden]") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "m.safetensors";
  convert(sentence_dir() / "dense", file, {.dtype = WeightType::int8});
  const Model model = Model::load(file), exact = Model::load(sentence_dir() / "dense");
  const TextInput input{"a tree drinks water"};
  const auto a = embed(model, {&input, 1})[0].value().values;
  const auto b = embed(exact, {&input, 1})[0].value().values;
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  CHECK(dot / std::sqrt(aa * bb) > 0.98);
}

TEST_CASE("a text's vector does not depend on its company, whatever the modules", "[golden]") {
  const std::vector<std::string> texts = {"a", "a tree drinks water", "rings",
                                          "the river carries wood to the city"};
  const std::vector<TextInput> inputs = {{texts[0]}, {texts[1]}, {texts[2]}, {texts[3]}};
  for (const char* name : {"dense-chain", "prompts-not-pooled", "pooling-all"}) {
    const Model model = Model::load(sentence_dir() / name);
    const auto together = embed(model, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      CHECK(embed(model, {&inputs[i], 1})[0].value().values == together[i].value().values);
    }
  }
}

TEST_CASE("prompts and dimensions that a model does not have are named", "[golden]") {
  const Model model = Model::load(sentence_dir() / "prompts");
  const TextInput input{"a"};
  const auto fails = [&](const EmbedOptions& options, const std::string& says) {
    INFO(says);
    try {
      embed(model, {&input, 1}, options);
      FAIL_CHECK("it was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK_THAT(error.what(), ContainsSubstring(says));
    }
  };
  fails({.prompt_name = "poem"}, "'poem'; it has 'empty', 'passage', 'query'");
  fails({.prompt = "a", .prompt_name = "query"}, "give one of them");
  fails({.dimensions = 17}, "dimensions: expected 1 to the model's 16, found 17");
  fails({.dimensions = 0}, "dimensions: expected 1 to the model's 16, found 0");
  fails({.pooling = PoolingMode::none, .dimensions = 3}, "dimensions");
  const Model dense = Model::load(sentence_dir() / "dense-chain");
  CHECK_THROWS_WITH(embed(dense, {&input, 1}, {.pooling = PoolingMode::mean}),
                    ContainsSubstring("'2_Dense' wants vectors of 32 numbers"));
}

TEST_CASE("texts that come tokenised get no prompt", "[golden]") {
  const Model model = Model::load(sentence_dir() / "prompts");
  const auto task = embed_task(model);
  const TextInput none{"rings"};
  const auto plain = embed(model, {&none, 1}, {.prompt = ""})[0].value().values;
  const auto job = task->job({}, {model.encode("rings")}).value();
  std::vector<Sequence> windows(job->windows().begin(), job->windows().end());
  model.run(windows, job->output(),
            [&](std::size_t i, const MatrixView& rows) { job->take(i, rows); });
  CHECK(job->finish().values == plain);
}

}  // namespace
}  // namespace sapwood::test
