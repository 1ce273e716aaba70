// tokenize: ids, windows, decoding, and the files that a tokenizer is read from.
#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;

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
      // DistilBERT's tokenizer gives none to its model.
      const Json none(std::vector<int>(cases[i]["type_ids"].size(), 0));
      CHECK(found[i]["type_ids"] ==
            (std::string_view(model) == "distilbert-base" ? none : cases[i]["type_ids"]));
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
  // A mask that takes the space before it, as the reference shows it.
  const Json lstrip = answers({"tokenize", "-m", golden("xlm-roberta-mlm"), "a <mask>."}).at(0);
  CHECK(lstrip["tokens"][2] == " <mask>");
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
  const Outcome assumed = run({"tokenize", "-m", vocab, "Water"});
  CHECK(assumed.status == 0);
  CHECK(Json::parse(assumed.out)["ids"] == Json({2, 5, 3}));
  CHECK_THAT(assumed.err, StartsWith("sapwood: note: " + vocab + ": nothing says whether"));
  for (const auto& [option, id] : {std::pair{"--lowercase", 5}, {"--no-lowercase", 6}}) {
    const Outcome told = run({"tokenize", "-m", vocab, option, "Water"});
    CHECK(told.status == 0);
    CHECK(Json::parse(told.out)["ids"] == Json({2, id, 3}));
    CHECK(told.err.empty());
  }
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
