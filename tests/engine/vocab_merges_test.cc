// A tokenizer of vocab.json and merges.txt alone, as RoBERTa's first releases have it.
#include "catch.h"
#include "golden.h"

namespace sapwood::test {
namespace {

// The two files of the golden RoBERTa's tokenizer.json.
void write_vocab_and_merges(const fs::path& folder, const std::string& line_end = "\n") {
  const json tokenizer = read_json(golden_dir() / "roberta-base/tokenizer.json");
  const json& model = tokenizer.at("model");
  json vocabulary = model.at("vocab");
  for (const json& token : tokenizer.at("added_tokens")) {
    vocabulary[token.at("content").get<std::string>()] = token.at("id");
  }
  std::ofstream(folder / "vocab.json") << vocabulary;
  std::ofstream merges(folder / "merges.txt");
  merges << "#version: 0.2" << line_end;
  for (const json& pair : model.at("merges")) {
    merges << pair[0].get<std::string>() << ' ' << pair[1].get<std::string>() << line_end;
  }
}

TEST_CASE("vocab.json and merges.txt are the tokenizer that their tokenizer.json is",
          "[vocab merges]") {
  const Tokenizer expected = Tokenizer::load(golden_dir() / "roberta-base");
  const json golden = read_json(golden_dir() / "roberta-base/expected.json");
  for (const char* line_end : {"\n", "\r\n"}) {
    const TemporaryFolder folder;
    write_vocab_and_merges(folder.path(), line_end);
    const Tokenizer found = Tokenizer::load(folder.path());
    CHECK(found.mask_id() == expected.mask_id());
    CHECK(found.pad_id() == expected.pad_id());
    for (const json& entry : golden.at("cases")) {
      const std::string text = entry.at("text");
      for (const std::string& one : {text, text + " <mask>" + text, " <pad>" + text}) {
        const Encoding a = found.encode(one, "a pair"), b = expected.encode(one, "a pair");
        CHECK(a.ids == b.ids);
        CHECK(a.type_ids == b.type_ids);
        CHECK(a.offsets == b.offsets);
        CHECK(found.decode(a.ids) == expected.decode(b.ids));
      }
    }
    std::ofstream(folder.path() / "tokenizer_config.json") << json{{"add_prefix_space", true}};
    CHECK(Tokenizer::load(folder.path()).encode("the").ids == expected.encode(" the").ids);
  }
}

TEST_CASE("vocab.json and merges.txt are read for RoBERTa's classes alone", "[vocab merges]") {
  const TemporaryFolder folder;
  write_vocab_and_merges(folder.path());
  const auto with_class = [&](const char* name) {
    std::ofstream(folder.path() / "tokenizer_config.json") << json{{"tokenizer_class", name}};
    return Tokenizer::load(folder.path());
  };
  for (const char* name : {"RobertaTokenizer", "RobertaTokenizerFast", "LongformerTokenizer"}) {
    CHECK(with_class(name).notices().empty());
  }
  for (const char* name : {"GPT2Tokenizer", "MPNetTokenizer", "XLMRobertaTokenizerFast",
                           "PreTrainedTokenizerFast", "OwnTokenizer"}) {
    CHECK_THROWS_WITH(with_class(name),
                      ContainsSubstring(name) && ContainsSubstring("as RoBERTa's tokenizer does"));
  }
  fs::remove(folder.path() / "tokenizer_config.json");
  std::ofstream(folder.path() / "config.json") << json{{"model_type", "modernbert"}};
  CHECK_THROWS_WITH(Tokenizer::load(folder.path()), ContainsSubstring("config.json"));
}

TEST_CASE("HOSTILE 27: a vocab.json that is not RoBERTa's, or no vocabulary at all, is refused",
          "[vocab merges][hostile]") {
  const auto refused = [](const std::string& vocabulary, const std::string& merges, ErrorCode code,
                          const std::string& says) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "vocab.json") << vocabulary;
    std::ofstream(folder.path() / "merges.txt") << merges;
    try {
      Tokenizer::load(folder.path());
      FAIL("accepted, expected an error that says " << says);
    } catch (const Error& error) {
      INFO(error.what());
      CHECK(to_string(error.code()) == to_string(code));
      CHECK_THAT(error.what(), ContainsSubstring(says));
    }
  };
  refused(R"({"a":0,"b":1})", "", ErrorCode::unsupported, "no token '<s>'");
  refused(R"([1])", "", ErrorCode::malformed, "expected an object");
  refused(R"({"<s>":0,"</s>":-1})", "", ErrorCode::malformed, "vocab.json");
  refused(R"({"<s>":0,"</s>":1e300})", "", ErrorCode::malformed, "vocab.json");
  refused(R"({"<s>":0,"</s>":1,"a":2})", "a\n", ErrorCode::malformed, "merges");
  refused(R"({"<s>":0,"</s>":1,"a":2})", "a b\n", ErrorCode::malformed, "merges");
  refused(R"({"<s>":0,"</s>":1,"a":2})", "a \xFF\n", ErrorCode::malformed, "merges.txt");
}

}  // namespace
}  // namespace sapwood::test
