// The JSONL shapes and their values, against what transformers answered for the golden checkpoints.
// (The engine's tests compare every case; here it is the command line that is tested.)
#include <cstring>
#include <set>
#include <sstream>

#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;
using Arguments = std::vector<std::string>;

TEST_CASE("classify answers label and score") {
  const std::string model = "distilbert-sentiment-f16";
  const Json cases = expected(model).at("classify");
  REQUIRE(cases.size() > 2);
  for (const Json& one : cases) {
    Arguments arguments{"classify",       "-q",    "-m",      golden(model),
                        "--input-format", "jsonl", "--top-k", "0"};
    if (!one["function_to_apply"].is_null()) {
      arguments.insert(arguments.end(), {"--function-to-apply", one["function_to_apply"]});
    }
    check_close(answers(arguments, jsonl({{{"text", one["text"]}}})).at(0), one["labels"]);
  }
  const Json best = answers({"classify", "-m", golden(model), "A charming journey ."})[0];
  CHECK(keys(best) == std::vector<std::string>{"label", "score"});
  CHECK(answers({"classify", "-m", golden(model), "--top-k", "2", "A journey"})[0].size() == 2);
}

TEST_CASE("classify chooses between labels that are named") {
  const std::string model = golden("bert-nli");
  const Json cases = expected("bert-nli").at("zero_shot");
  for (const Json& one : cases) {
    std::string labels;
    for (const Json& label : one["candidate_labels"]) {
      labels += (labels.empty() ? " " : " ,, ") + label.get<std::string>();
    }
    Arguments arguments{"classify",
                        "-q",
                        "-m",
                        model,
                        "--labels",
                        labels,
                        "--hypothesis-template",
                        one["hypothesis_template"],
                        "--top-k",
                        "0",
                        "--input-format",
                        "jsonl"};
    if (one["multi_label"]) arguments.push_back("--multi-label");
    check_close(answers(arguments, jsonl({{{"text", one["text"]}}})).at(0), one["labels"]);
  }
  const Json best = answers({"classify", "-m", model, "--labels", "a,b", "A journey"})[0];
  CHECK(keys(best) == std::vector<std::string>{"label", "score"});
  const Outcome uncut = run({"classify", "-m", model, "--labels", "a", "--truncate", "none"},
                            {.input = std::string(3000, 'a') + " b c d\n"});
  CHECK(uncut.status == 0);  // one unknown word
  const auto refused = [&](Arguments arguments, int status, const std::string& says) {
    arguments.insert(arguments.begin(), {"classify", "-m", model});
    const Outcome outcome = run(arguments);
    INFO(outcome.err << outcome.out);
    CHECK(outcome.status == status);
    CHECK_THAT(outcome.err + outcome.out, ContainsSubstring(says));
  };
  refused({"--labels", " , ", "x"}, 2, "--labels names no label");
  refused({"--labels", "a", "--text-pair", "b", "x"}, 2, "--text-pair");
  refused({"--multi-label", "x"}, 2, "--labels");
  refused({"--hypothesis-template", "{}", "x"}, 2, "--labels");
  refused({"--labels", "a", "--hypothesis-template", "b", "x"}, 1, "no place for the label");
  const Outcome other =
      run({"classify", "-m", golden("distilbert-sentiment-f16"), "--labels", "a", "x"});
  CHECK(other.status == 1);
  CHECK_THAT(other.err, ContainsSubstring("natural language inference"));
}

TEST_CASE("classify and rerank read pairs") {
  const Json wanted = expected("bert-cross-encoder");
  const std::string model = golden("bert-cross-encoder");
  const Json& first = wanted["classify"][0];
  const Json record{{"text", first["text"]}, {"text_pair", first["text_pair"]}};
  const auto from_jsonl = answers(
      {"classify", "-m", model, "--top-k", "0", "--input-format", "jsonl"}, jsonl({record}));
  check_close(from_jsonl[0], first["labels"]);
  const std::string text = first["text"], pair = first["text_pair"];
  CHECK(answers({"classify", "-m", model, "--top-k", "0", "--text-pair", pair, text})[0] ==
        from_jsonl[0]);
  CHECK(answers({"classify", "-m", model, "--top-k", "0", "--input-format", "csv"},
                "text_pair,text\n\"" + pair + "\",\"" + text + "\"\n")[0] == from_jsonl[0]);

  const Json& ranking = wanted["rerank"][0];
  const auto ranked = answers({"rerank", "-m", model},
                              jsonl({{{"query", ranking["query"]}, {"texts", ranking["texts"]}}}));
  REQUIRE(ranked.size() == 1);
  REQUIRE(ranked[0].size() == ranking["texts"].size());
  for (std::size_t i = 0; i < ranked[0].size(); ++i) {
    const Json& best = ranking["ranking"][i];
    check_close(ranked[0][i], {{"index", best.at("index")},
                               {"score", best.at("score")},
                               {"text", ranking["texts"][best.at("index").get<std::size_t>()]}});
  }
  Arguments arguments{"rerank", "-m", model, "--raw-scores", "--query", ranking["query"]};
  for (const Json& one : ranking["texts"]) arguments.push_back(one);
  const auto raw = answers(arguments);
  REQUIRE(raw.size() == 1);
  CHECK(raw[0][0]["score"].get<double>() ==
        Approx(ranking["ranking"][0]["raw_score"].get<double>()).margin(kMargin));
}

TEST_CASE("ner answers entities under every strategy") {
  const std::string model = "bert-ner-vocab-cased";
  const Json cases = expected(model).at("ner");
  REQUIRE(cases.size() > 2);
  for (const Json& one : cases) {
    Arguments arguments{"ner",
                        "-q",
                        "-m",
                        golden(model),
                        "--input-format",
                        "jsonl",
                        "--aggregation-strategy",
                        one["aggregation_strategy"]};
    if (one.contains("max_length")) {
      arguments.insert(arguments.end(), {"--max-length", one["max_length"].dump()});
    }
    if (one.contains("stride") && one["stride"] != 0) {
      arguments.insert(arguments.end(), {"--stride", one["stride"].dump()});
    }
    if (one.contains("ignore_labels")) {
      std::string labels;
      for (const Json& label : one["ignore_labels"]) {
        if (!labels.empty()) labels += ',';
        labels += label.get<std::string>();
      }
      arguments.insert(arguments.end(), {"--ignore-labels", labels});
    }
    INFO(one["text"] << ' ' << one["aggregation_strategy"]);
    const auto found = answers(arguments, jsonl({{{"text", one["text"]}}}));
    REQUIRE(found.size() == 1);
    check_close(found.at(0), one["entities"]);
  }
}

TEST_CASE("fill-mask answers a list, or a list of lists for several masks") {
  const std::string model = "distilbert-mlm";
  const Json cases = expected(model).at("fill_mask");
  REQUIRE(cases.size() > 2);
  for (const Json& one : cases) {
    const auto found = answers({"fill-mask", "-m", golden(model), "--input-format", "jsonl",
                                "--top-k", one["top_k"].dump()},
                               jsonl({{{"text", one["text"]}}}));
    check_close(found.at(0), one["masks"]);
  }
  const Outcome without = run({"fill-mask", "-m", golden(model), "no mask here"});
  CHECK(without.status == 1);
  CHECK(Json::parse(without.out)["error"]["code"] == "invalid_argument");
}

TEST_CASE("qa answers a list of answers") {
  const std::string model = "bert-qa";
  const Json cases = expected(model).at("qa");
  REQUIRE(cases.size() > 2);
  for (const Json& one : cases) {
    Arguments arguments{"qa",
                        "-m",
                        golden(model),
                        "--top-k",
                        one["top_k"].dump(),
                        "--max-seq-length",
                        one["max_seq_len"].dump(),
                        "--stride",
                        one["doc_stride"].dump(),
                        "--max-answer-length",
                        one["max_answer_len"].dump()};
    if (one["handle_impossible_answer"].get<bool>()) {
      arguments.push_back("--handle-impossible-answer");
    }
    const auto from_jsonl =
        answers(arguments, jsonl({{{"question", one["question"]}, {"context", one["context"]}}}));
    REQUIRE(from_jsonl.size() == 1);
    check_close(from_jsonl[0], one["answers"]);
    arguments.insert(arguments.end(), {"--question", one["question"], "--context", one["context"]});
    CHECK(answers(arguments)[0] == from_jsonl[0]);
  }
  const auto contexts = answers({"qa", "-m", golden(model), "--question", "Where?"},
                                "Maria lives in Berlin.\nThe river flows.\n");
  CHECK(contexts.size() == 2);
}

TEST_CASE("embed answers one vector a text, or one a token") {
  const std::string model = "distilbert-base";
  const Json wanted = expected(model);
  for (const Json& one : wanted["embed"]) {
    const auto found =
        answers({"embed", "-q", "-m", golden(model), "--input-format", "jsonl", "--pooling",
                 one["pooling"], one["normalize"].get<bool>() ? "--normalize" : "--no-normalize"},
                jsonl({{{"text", one["text"]}}}));
    check_close(found.at(0).at("embedding"), one["embedding"]);
  }
  const Json& first = wanted["cases"][0];
  const auto tokens = answers({"embed", "-m", golden(model), "--pooling", "none", first["text"]});
  check_close(tokens.at(0),
              {{"tokens", first["tokens"]}, {"embedding", first["last_hidden_state"]}});
  // The model's own pooling.
  const Json sentence = expected("st-bert-mean")["embed"][0];
  check_close(answers({"embed", "-m", golden("st-bert-mean"), sentence["text"]}).at(0),
              {{"embedding", sentence["embedding"]}});
}

TEST_CASE("embed's npy holds the same numbers as its JSON") {
  const TemporaryFolder folder;
  const std::string model = golden("distilbert-base");
  const auto vectors = answers({"embed", "-m", model, "one", "two words"});
  const std::string file = folder.path("out.npy");
  REQUIRE(run({"embed", "-m", model, "-o", file, "one", "two words"}).status == 0);
  const Outcome piped = run({"embed", "-m", model, "--format", "npy", "one", "two words"});
  REQUIRE(piped.status == 0);
  const std::string bytes = read_file(file);
  CHECK(piped.out == bytes);
  const std::size_t dim = vectors[0]["embedding"].size();
  REQUIRE(bytes.size() == 128 + 2 * dim * sizeof(float));
  CHECK(bytes.find("'shape': (2, " + std::to_string(dim) + ")") != std::string::npos);
  for (std::size_t i = 0; i < 2 * dim; ++i) {
    float value;
    std::memcpy(&value, bytes.data() + 128 + i * sizeof value, sizeof value);
    CHECK(value == vectors[i / dim]["embedding"][i % dim].get<float>());
  }
}

TEST_CASE("the shipped models answer without being named") {
  CHECK(Json::parse(run({"classify", "dull and lifeless"}).out).at("label") == "NEGATIVE");
  const Json entities = Json::parse(
      run({"ner", "--aggregation-strategy", "simple", "Ada Lovelace lived in London ."}).out);
  REQUIRE(entities.size() == 2);
  CHECK(entities[0].at("entity_group") == "PER");
  CHECK(entities[1].at("word") == "london");
  const Json vector = Json::parse(run({"embed", "how trees drink"}).out).at("embedding");
  CHECK(vector.size() == 384);
  const Json ranked = Json::parse(
      run({"rerank", "--query", "how trees drink", "Prices rose.", "Sapwood carries water."}).out);
  CHECK(ranked[0].at("index") == 1);
  const Json words = Json::parse(run({"fill-mask", "the first world [MASK] ended in 1918 ."}).out);
  REQUIRE(words.size() == 5);
  CHECK(words[0].at("token_str") == "war");
  std::istringstream lines(run({"models", "--json"}).out);
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    names.insert(Json::parse(line).at("name").get<std::string>());
  }
  for (const char* name : {"minilm-fff-sst2", "minilm-fff-ner", "minilm-fff-embed",
                           "minilm-fff-mlm", "minilm-static-embed"}) {
    CHECK(names.count(name) == 1);
  }
}
