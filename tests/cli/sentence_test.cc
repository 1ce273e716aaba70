// What sentence-transformers' files say, on the command line: prompts, dimensions, poolings, sparse vectors, scores.
#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;
using Arguments = std::vector<std::string>;

namespace {

std::string sentence(const std::string& name) { return golden("../sentence/" + name); }

Json expected_of(const std::string& name) {
  return Json::parse(read_file(sentence(name) + "/expected.json"));
}

// The arguments that ask for what an entry of expected.json was made with.
Arguments arguments_of(const std::string& name, const Json& entry) {
  Arguments arguments{"embed", "-q", "-m", sentence(name), "--format", "jsonl"};
  const auto add = [&](const char* key, const char* option) {
    if (!entry.contains(key)) return;
    arguments.emplace_back(option);
    arguments.push_back(entry[key].is_string() ? entry[key].get<std::string>() : entry[key].dump());
  };
  add("prompt", "--prompt");
  add("prompt_name", "--prompt-name");
  add("truncate_dim", "--dimensions");
  add("route", "--route");
  add("max_active_dims", "--max-active-dims");
  if (entry.value("normalize_embeddings", false)) arguments.emplace_back("--normalize");
  if (entry.contains("values")) arguments.emplace_back("--sparse");
  arguments.push_back(entry["text"]);
  return arguments;
}

}  // namespace

TEST_CASE("embed has options for prompts and dimensions") {
  for (const char* name : {"prompts", "dense-chain", "pooling-all"}) {
    const Json expected = expected_of(name);
    for (const Json& entry : expected.at("embed")) {
      const Json found = answers(arguments_of(name, entry)).at(0);
      check_close(found.at("embedding"), entry["embedding"]);
    }
  }
  const Outcome unknown = run({"embed", "-m", sentence("prompts"), "--prompt-name", "poem", "a"});
  CHECK(unknown.status == 1);
  CHECK_THAT(unknown.err, ContainsSubstring("'poem'; it has 'empty', 'passage', 'query'"));
  CHECK(run({"embed", "-m", sentence("prompts"), "--dimensions", "0", "a"}).status == 2);
  CHECK(run({"embed", "-m", sentence("prompts"), "--dimensions", "17", "a"}).status == 1);
}

TEST_CASE("embed --sparse answers what is not zero, by index") {
  for (const char* name : {"sparse-max", "sparse-router"}) {
    const Json expected = expected_of(name);
    for (const Json& entry : expected.at("sparse")) {
      const Json found = answers(arguments_of(name, entry)).at(0);
      check_close(found.at("embedding"), entry["values"]);
    }
  }
  const std::string model = sentence("sparse-max");
  CHECK(run({"embed", "-m", model, "a"}).status == 1);
  CHECK(run({"embed", "-m", model, "--sparse", "--normalize", "a"}).status == 2);
  CHECK(run({"embed", "-m", model, "--route", "query", "a"}).status == 2);
  const Outcome csv = run({"embed", "-m", model, "--sparse", "--format", "csv", "rings"});
  CHECK_THAT(csv.out, ContainsSubstring("index,token,value"));
}

TEST_CASE("rerank --scores chooses what a cross-encoder's scores are") {
  const Json wanted = expected_of("cross-encoder-older-key")["rerank"][0];
  const auto scores = [&](const char* model, const Arguments& options) {
    Arguments arguments{"rerank", "-m", sentence(model), "--query", wanted["query"]};
    arguments.insert(arguments.end(), options.begin(), options.end());
    for (const Json& text : wanted["texts"]) arguments.push_back(text);
    Json found = answers(arguments).at(0);
    for (Json& each : found) each.erase("text");
    return found;
  };
  const char* const kRaw = "cross-encoder-older-key";
  const char* const kSigmoid = "cross-encoder-sigmoid";
  check_close(scores(kRaw, {}), wanted["ranking"]);
  check_close(scores(kRaw, {"--scores", "model"}), wanted["ranking"]);
  const Json sigmoid = expected_of(kSigmoid)["rerank"][0]["ranking"];
  check_close(scores(kSigmoid, {}), sigmoid);
  check_close(scores(kRaw, {"--scores", "sigmoid"}), sigmoid);
  check_close(scores(kSigmoid, {"--scores", "raw"}), wanted["ranking"]);
  check_close(scores(kSigmoid, {"--raw-scores"}), wanted["ranking"]);
  const Json other = scores(kRaw, {"--query-prompt", "search: "});
  CHECK(other[0]["score"] != wanted["ranking"][0]["score"]);
}
