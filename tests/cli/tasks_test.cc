// The JSONL shapes and their values, against what transformers answered for the golden checkpoints.
// (The engine's tests compare every case; here it is the command line that is tested.)
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "catch.h"
#include "process.h"

using namespace sapwood::test;
using Json = nlohmann::json;
using Arguments = std::vector<std::string>;

namespace {

constexpr double kMargin = 2e-4;

Json expected(const std::string& model) {
  return Json::parse(read_file(golden(model) + "/expected.json"));
}

// The answers to a run that must succeed, one a line.
std::vector<Json> answers(const Arguments& arguments, const std::string& input = {}) {
  RunOptions options;
  options.input = input;
  const Outcome outcome = run(arguments, options);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::vector<Json> list;
  for (const std::string& line : lines_of(outcome.out)) list.push_back(Json::parse(line));
  return list;
}

// Sorted, as nlohmann::json keeps them.
std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

// Equal but for small differences of numbers that are not integers.
void check_close(const Json& found, const Json& wanted) {
  if (wanted.is_number_float()) {
    REQUIRE(found.is_number());
    CHECK(found.get<double>() == Approx(wanted.get<double>()).margin(kMargin));
  } else if (wanted.is_array()) {
    REQUIRE(found.is_array());
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) check_close(found[i], wanted[i]);
  } else if (wanted.is_object()) {
    REQUIRE(found.is_object());
    CHECK(keys(found) == keys(wanted));
    for (const auto& [name, value] : wanted.items()) check_close(found.at(name), value);
  } else {
    CHECK(found == wanted);
  }
}

std::string jsonl(const std::vector<Json>& records) {
  std::string text;
  for (const Json& record : records) text += record.dump() + "\n";
  return text;
}

}  // namespace

TEST_CASE("tokenize answers ids, tokens, offsets, types and mask") {
  for (const char* model : {"distilbert-base", "bert-cross-encoder", "bert-ner-vocab-cased"}) {
    std::vector<Json> records;
    const Json cases = expected(model)["cases"];
    for (const Json& one : cases) {
      Json record{{"text", one["text"]}};
      if (one.contains("text_pair")) record["text_pair"] = one["text_pair"];
      records.push_back(record);
    }
    const auto found = answers(
        {"tokenize", "-q", "-m", golden(model), "--input-format", "jsonl", "--max-length", "64"},
        jsonl(records));
    REQUIRE(found.size() == cases.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i]["ids"] == cases[i]["input_ids"]);
      CHECK(found[i]["tokens"] == cases[i]["tokens"]);
      CHECK(found[i]["offsets"] == cases[i]["offsets"]);
      CHECK(found[i]["type_ids"] == cases[i]["type_ids"]);
      REQUIRE(found[i]["special_tokens_mask"].size() == cases[i]["input_ids"].size());
      CHECK(found[i]["special_tokens_mask"][0] == 1);
      CHECK_FALSE(found[i].contains("overflowing"));
    }
  }
}

TEST_CASE("tokenize: windows, limits, special tokens, decoding") {
  const std::string model = golden("distilbert-base");
  const std::string text = "The [MASK] carries water, and water carries the tree.";
  const Json whole = answers({"tokenize", "-m", model, "--truncate", "none", text})[0];
  const std::size_t size = whole.at("ids").size();
  REQUIRE(size > 12);
  CHECK(keys(whole) ==
        std::vector<std::string>{"ids", "offsets", "special_tokens_mask", "tokens", "type_ids"});
  const Json cut = answers({"tokenize", "-m", model, "--max-length", "8", text})[0];
  CHECK(cut.at("ids").size() == 8);
  CHECK(cut.at("truncated") == true);
  const Json windows =
      answers({"tokenize", "-m", model, "--max-length", "8", "--stride", "2", text})[0];
  REQUIRE(windows.at("overflowing").size() >= 1);
  CHECK(windows.at("overflowing")[0].contains("special_tokens_mask"));
  CHECK_FALSE(windows.contains("truncated"));
  CHECK(windows.at("overflowing")[0]["ids"][1] == windows.at("ids")[5]);
  const Json bare = answers({"tokenize", "-m", model, "--no-special-tokens", text})[0];
  CHECK(bare.at("ids").size() == size - 2);
  std::string ids;
  for (const Json& id : bare.at("ids")) ids += id.dump() + " ";
  CHECK(answers({"tokenize", "-m", model, "--decode", ids})[0].contains("text"));
  CHECK(run({"tokenize", "-m", model, "--decode", "1 x"}).status == 1);
  // Text that looks like an option parser's list is text.
  CHECK(answers({"tokenize", "-m", model, "[MASK], [SEP]"}).size() == 1);
  CHECK(answers({"tokenize", "-m", model, "--", "-dash", "++", ""}).size() == 3);
  // Over an explicit limit that must not be cut.
  CHECK(run({"tokenize", "-m", model, "--truncate", "none", "--max-length", "8", text}).status ==
        1);
}

TEST_CASE("tokenize reads a folder with only a tokenizer, and a vocab.txt with --lowercase") {
  const TemporaryFolder folder;
  folder.write("only/tokenizer.json", read_file(golden("distilbert-base") + "/tokenizer.json"));
  CHECK(answers({"tokenize", "-m", folder.path("only"), "water"})[0]["tokens"][1] == "water");
  const std::string vocab =
      folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwater\nWater\n");
  const Outcome refused = run({"tokenize", "-m", vocab, "Water"});
  CHECK(refused.status == 2);
  CHECK(refused.err.find("--no-lowercase") != std::string::npos);
  CHECK(answers({"tokenize", "-m", vocab, "--lowercase", "Water"})[0]["ids"] == Json({2, 5, 3}));
  CHECK(answers({"tokenize", "-m", vocab, "--no-lowercase", "Water"})[0]["ids"] == Json({2, 6, 3}));
}

TEST_CASE("tokenize --decode takes only ids that a token has") {
  const std::string model = golden("distilbert-sentiment-f16");
  const auto ids = answers({"tokenize", "-m", model, "a journey"})[0].at("ids");
  CHECK(answers({"tokenize", "-m", model, "--decode", "--input-format", "jsonl"},
                jsonl({{{"ids", ids}}}))[0] == Json({{"text", "a journey"}}));
  RunOptions options;
  options.input = "2 3\n999999\n-1\n5 2147483647\n2\n";
  const Outcome outcome = run({"tokenize", "-m", model, "--decode"}, options);
  CHECK(outcome.status == 1);
  const auto lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 5);
  CHECK(Json::parse(lines[0]).contains("text"));
  CHECK(Json::parse(lines[4]).contains("text"));
  for (const auto& [line, id] :
       {std::pair{1, "999999"}, std::pair{2, "-1"}, std::pair{3, "2147483647"}}) {
    const Json error = Json::parse(lines[static_cast<std::size_t>(line)])["error"];
    CHECK(error["code"] == "invalid_argument");
    CHECK_THAT(error["message"].get<std::string>(),
               ContainsSubstring(std::string("no token has the id ") + id));
  }
}

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

TEST_CASE("convert writes a file that answers as its source, and inspect tells both") {
  const TemporaryFolder folder;
  const std::string file = folder.path("model.safetensors");
  const std::string source = golden("distilbert-fff-sentiment");
  REQUIRE(run({"convert", source, "-o", file, "--dtype", "f32"}).status == 0);
  CHECK(answers({"classify", "-m", file, "--top-k", "0", "A journey"}) ==
        answers({"classify", "-m", source, "--top-k", "0", "A journey"}));
  CHECK(answers({"tokenize", "-m", file, "A journey"}) ==
        answers({"tokenize", "-m", source, "A journey"}));
  const Json info = Json::parse(run({"inspect", file, "--json", "--graph", "--verify"}).out);
  CHECK(info.at("format") == "converted");
  CHECK(info.at("feed_forward")["type"] == "fff");
  CHECK(info.at("labels").size() == 3);
  CHECK(info.at("graph")["nodes"].size() > 5);
  CHECK(info.at("graph")["nodes"][0].contains("kernel"));
  CHECK(run({"inspect", source}).out.find("distilbert") != std::string::npos);
  CHECK(run({"inspect", "--graph", "--format", "dot", source}).out.rfind("digraph", 0) == 0);
  // A flipped byte is found when asked for.
  std::string bytes = read_file(file);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  const std::string broken = folder.write("broken.safetensors", bytes);
  CHECK(run({"inspect", broken, "--verify"}).status == 1);
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
  const Json words = Json::parse(run({"fill-mask", "the capital of france is [MASK] ."}).out);
  CHECK(words.size() == 5);
  std::istringstream lines(run({"models", "--json"}).out);
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    names.insert(Json::parse(line).at("name").get<std::string>());
  }
  for (const char* name : {"distilbert-sst2-3l", "minilm-fff-sst2", "minilm-fff-ner",
                           "minilm-fff-embed", "minilm-fff-mlm"}) {
    CHECK(names.count(name) == 1);
  }
}

TEST_CASE("convert writes bf16 and int8, and a file answers only in the type it has") {
  const TemporaryFolder folder;
  const std::string source = golden("distilbert-fff-sentiment");
  for (const std::string dtype : {"bf16", "int8"}) {
    const std::string file = folder.path(dtype + ".safetensors");
    REQUIRE(run({"convert", source, "-o", file, "--dtype", dtype}).status == 0);
    CHECK(Json::parse(run({"inspect", file, "--json"}).out).at("dtype") == dtype);
    const Json answer = Json::parse(run({"classify", "-m", file, "a text"}).out);
    CHECK(answer.contains("label"));
    CHECK(run({"classify", "-m", source, "--dtype", dtype, "a text"}).out ==
          run({"classify", "-m", file, "a text"}).out);
    const Outcome other = run({"classify", "-m", file, "--dtype", "f32", "a text"});
    CHECK(other.status == 1);
    CHECK(other.err.find("convert the model's directory again") != std::string::npos);
  }
  const std::string mixed = folder.path("mixed.safetensors");
  CHECK(run({"convert", source, "-o", mixed, "--dtype", "int8", "--decisions", "f32"}).status == 0);
  CHECK(run({"classify", "-m", mixed, "a text"}).status == 0);
  CHECK(run({"convert", source, "-o", mixed, "--dtype", "int4"}).status == 2);
}

TEST_CASE("bench prints a median for each shape") {
  const Json json = Json::parse(run({"bench", "-m", golden("distilbert-fff-base"), "--shapes",
                                     "1x8,2x16", "--seconds", "0.05", "--json"})
                                    .out);
  CHECK(keys(json) ==
        std::vector<std::string>{"dtype", "isa", "median_ms", "processor_ms", "threads"});
  CHECK(json.at("processor_ms")["1x8"].get<double>() > 0);
  CHECK(json.at("threads") == 1);
  CHECK(json.at("dtype") == "f32");
  CHECK(json.at("median_ms")["1x8"].get<double>() > 0);
  CHECK(json.at("median_ms")["2x16"].get<double>() > 0);
}

TEST_CASE("bench times the first feedforward layer alone") {
  for (const char* model : {"distilbert-fff-base", "distilbert-fff-dense-base", "bert-fff-mlm"}) {
    const Json json = Json::parse(run({"bench", "-m", golden(model), "--layer", "ffn", "--shapes",
                                       "1x4,300x16", "--seconds", "0.01", "--runs", "2", "--json"})
                                      .out);
    CHECK(json["layer"] == "ffn");
    CHECK(json["median_ms"]["1x4"].get<double>() > 0);
    CHECK(json["median_ms"]["300x16"].get<double>() > 0);  // more rows than --batch-tokens
  }
}

TEST_CASE("bench answers shapes from standard input line by line") {
  RunOptions options;
  options.input = "1x8\n2x4,1x16\n";
  const auto lines = lines_of(run({"bench", "-m", golden("distilbert-fff-base"), "--shapes", "-",
                                   "--seconds", "0.01", "--runs", "1", "--json"},
                                  options)
                                  .out);
  REQUIRE(lines.size() == 2);
  CHECK(keys(Json::parse(lines[0]).at("median_ms")) == std::vector<std::string>{"1x8"});
  CHECK(keys(Json::parse(lines[1]).at("median_ms")) == std::vector<std::string>{"1x16", "2x4"});
}

TEST_CASE("bench times real lengths in batches") {
  const TemporaryFolder folder;
  const std::string model = golden("distilbert-fff-base");
  const std::string lengths = folder.write("lengths.txt", "3\n12\n7\n5\n30\n");
  const Json json = Json::parse(run({"bench", "-m", model, "--lengths", lengths, "--batch", "2",
                                     "--seconds", "0.01", "--runs", "2", "--json"})
                                    .out);
  CHECK(json.at("texts") == 5);
  CHECK(json.at("tokens") == 57);
  CHECK(json.at("texts_per_s").get<double>() ==
        Approx(5000.0 / json.at("median_ms").at("lengths").get<double>()));

  const Outcome word =
      run({"bench", "-m", model, "--lengths", folder.write("word.txt", "3\nmany\n")});
  CHECK(word.status == 1);
  CHECK(word.err.find("line 2") != std::string::npos);
  CHECK(run({"bench", "-m", model, "--lengths", folder.write("none.txt", "")}).status == 1);
  CHECK(run({"bench", "-m", model, "--lengths", folder.path("missing")}).status == 1);
  CHECK(run({"bench", "-m", model, "--lengths", lengths, "--shapes", "1x8"}).status == 2);
  CHECK(run({"bench", "-m", model, "--lengths", folder.write("long.txt", "9999\n")}).status == 1);
}
