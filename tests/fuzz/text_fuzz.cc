// Texts alone. Each subword model against a slow one that does the same step by step, and each shortcut through plain text
// against the steps that it passes by.
#include <nlohmann/json.hpp>

#include "encodings.h"
#include "slow_tokenizer.h"

namespace sapwood::fuzz {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kUnk = 0;
const std::vector<std::string> kWordPieces{"[UNK]", "a",     "b", "ab",  "##a",  "##b",
                                           "##ab",  "##abc", "é", "##é", "##中", "中",
                                           "abca",  "##c",   ".", "[X]"};
const std::vector<std::pair<std::string, double>> kPieces{
    {"<unk>", 0}, {"a", -2.5},  {"b", -2.25}, {"ab", -3},    {"bc", -3.5}, {"abc", -5},
    {"é", -4.75}, {"中", -1.5}, {"中中", -3}, {"aaa", -7.5}, {"aa", -5}};
// The vocabulary of BPE: single characters, and what the merges make.
const std::vector<std::string> kSymbols{"<unk>", "a", "b", "c", "é", "中"};
const std::vector<std::pair<std::string, std::string>> kMerges{
    {"b", "c"}, {"a", "b"}, {"a", "a"}, {"a", "bc"}, {"ab", "c"}, {"中", "中"}, {"aa", "aa"}};

Json document(const Json& model) {
  return {{"version", "1.0"},
          {"added_tokens", Json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "WhitespaceSplit"}}},
          {"model", model}};
}

SlowIds slow_ids(const std::vector<std::string>& tokens) {
  SlowIds ids;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    ids[*slow_decode(tokens[i])] = static_cast<int>(i);
  }
  return ids;
}

Json vocab_of(const std::vector<std::string>& tokens) {
  Json vocab = Json::object();
  for (std::size_t i = 0; i < tokens.size(); ++i) vocab[tokens[i]] = i;
  return vocab;
}

// In one scratch for all tokenizers and texts, as a server has it.
Encoding encode_again(const Tokenizer& tokenizer, std::string_view text,
                      const EncodeOptions& options = {}) {
  static EncodeScratch scratch;
  Encoding encoding;
  tokenizer.encode_into(encoding, scratch, text, options);
  return encoding;
}

void compare(const Tokenizer& tokenizer, std::string_view text, const SlowTokens& slow) {
  const Encoding fast = encode_again(tokenizer, text);
  SlowTokens tokens;
  for (std::size_t i = 0; i < fast.size(); ++i) {
    tokens.push_back({fast.ids[i], fast.offsets[i].start, fast.offsets[i].end});
  }
  require(tokens == slow, std::string(tokenizer.model_type()) + ": other tokens");
}

void compare_wordpiece(std::string_view text, const std::u32string& characters) {
  static const Tokenizer tokenizer =
      Tokenizer::from_json(document({{"type", "WordPiece"},
                                     {"unk_token", "[UNK]"},
                                     {"continuing_subword_prefix", "##"},
                                     {"max_input_chars_per_word", 100},
                                     {"vocab", vocab_of(kWordPieces)}})
                               .dump());
  static const SlowIds ids = slow_ids(kWordPieces);
  compare(tokenizer, text, slow_tokens(characters, [&](const std::u32string& word) {
            return slow_wordpiece(ids, kUnk, word);
          }));
}

void compare_unigram(std::string_view text, const std::u32string& characters) {
  static const Tokenizer tokenizer = Tokenizer::from_json(
      document({{"type", "Unigram"}, {"unk_id", kUnk}, {"vocab", kPieces}}).dump());
  static const auto [ids, scores] = [] {
    std::vector<std::string> tokens;
    std::vector<double> numbers;
    for (const auto& [token, score] : kPieces) {
      tokens.push_back(token);
      numbers.push_back(score);
    }
    return std::pair(slow_ids(tokens), numbers);
  }();
  compare(tokenizer, text, slow_tokens(characters, [&](const std::u32string& word) {
            return slow_unigram(ids, scores, kUnk, word);
          }));
}

void compare_bpe(std::string_view text, const std::u32string& characters) {
  static const auto tokens = [] {
    std::vector<std::string> list = kSymbols;
    for (const auto& [left, right] : kMerges) {
      if (std::find(list.begin(), list.end(), left + right) == list.end()) {
        list.push_back(left + right);
      }
    }
    return list;
  }();
  static const Tokenizer tokenizer = Tokenizer::from_json(document({{"type", "BPE"},
                                                                    {"unk_token", "<unk>"},
                                                                    {"fuse_unk", true},
                                                                    {"vocab", vocab_of(tokens)},
                                                                    {"merges", kMerges}})
                                                              .dump());
  static const SlowIds ids = slow_ids(tokens);
  static const auto merges = [] {
    const auto id = [](const std::string& token) { return ids.at(*slow_decode(token)); };
    std::pair<std::vector<std::pair<int, int>>, std::vector<int>> list;
    for (const auto& [left, right] : kMerges) {
      list.first.emplace_back(id(left), id(right));
      list.second.push_back(id(left + right));
    }
    return list;
  }();
  compare(tokenizer, text, slow_tokens(characters, [&](const std::u32string& word) {
            return slow_bpe(ids, merges.first, merges.second, kUnk, word);
          }));
}

// The same tokenizer, and one without a shortcut: steps inside a sequence have none.
struct Twins {
  Tokenizer fast, slow;
};
Twins twins(Json json) {
  const Tokenizer fast = Tokenizer::from_json(json.dump());
  json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {json["pre_tokenizer"]}}};
  return {fast, Tokenizer::from_json(json.dump())};
}

const EncodeOptions kOptions[] = {{},
                                  {.max_length = 5, .stride = 1},
                                  {.max_length = 8,
                                   .truncation_direction = Direction::left,
                                   .offset_unit = OffsetUnit::bytes,
                                   .overflowing = false},
                                  {.parse_special_tokens = false}};

// By one of the options, which the text's length chooses.
void compare_twins(const Twins& twins, std::string_view text) {
  const EncodeOptions& options = kOptions[text.size() % std::size(kOptions)];
  const Encoding a = encode_again(twins.fast, text, options);
  const Encoding b = encode_again(twins.slow, text, options);
  require(same(a, b) && a.overflowing.size() == b.overflowing.size(), "a shortcut that differs");
  for (std::size_t i = 0; i < a.overflowing.size(); ++i) {
    require(same(a.overflowing[i], b.overflowing[i]), "a window that differs");
  }
  if (options.offset_unit == OffsetUnit::code_points) check_encoding(twins.fast, a, text);
  require(utf8::is_valid(twins.fast.decode(a.ids)), "a decoded text that is not UTF-8");
}

Json special(const char* content, std::size_t id, bool lstrip) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", lstrip},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json bert() {
  std::vector<std::string> tokens{"[UNK]", "[CLS]", "[SEP]",  "[MASK]", "[PAD]", "want",
                                  "##ed",  "un",    "##want", "the",    "'",     ",",
                                  "e",     "##e",   "中",     "!"};
  for (char c = 'a'; c <= 'd'; ++c) {
    tokens.push_back(std::string(1, c));
    tokens.push_back("##" + std::string(1, c));
  }
  Json json = document({{"type", "WordPiece"},
                        {"unk_token", "[UNK]"},
                        {"continuing_subword_prefix", "##"},
                        {"max_input_chars_per_word", 100},
                        {"vocab", vocab_of(tokens)}});
  json["added_tokens"] = {special("[CLS]", 1, false), special("[SEP]", 2, false),
                          special("[MASK]", 3, true)};
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", true},
                        {"strip_accents", nullptr},
                        {"lowercase", true}};
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["post_processor"] = {
      {"type", "BertProcessing"}, {"sep", {"[SEP]", 2}}, {"cls", {"[CLS]", 1}}};
  json["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  return json;
}

// Bytes as the characters that GPT-2 has for them: those that print stand for themselves, the others from U+0100 on.
std::string byte_character(int byte) {
  const auto prints = [](int b) { return (b > 32 && b < 127) || (b > 160 && b != 173); };
  char32_t c = static_cast<char32_t>(byte);
  if (!prints(byte)) {
    c = 256;
    for (int before = 0; before < byte; ++before) c += prints(before) ? 0 : 1;
  }
  std::string text;
  utf8::append(text, c);
  return text;
}

Json byte_level() {
  std::vector<std::string> tokens{"<s>", "</s>", "<mask>"};
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(byte_character(byte));
  const std::string space = byte_character(' ');
  std::vector<std::pair<std::string, std::string>> merges{
      {"t", "h"}, {"th", "e"}, {space, "the"}, {space, space}, {"'", "s"}, {"a", "b"}, {"b", "a"}};
  for (const auto& [left, right] : merges) tokens.push_back(left + right);
  const Json part = {{"type", "ByteLevel"},
                     {"add_prefix_space", false},
                     {"trim_offsets", true},
                     {"use_regex", true}};
  Json json = document({{"type", "BPE"}, {"vocab", vocab_of(tokens)}, {"merges", merges}});
  json["added_tokens"] = {special("<s>", 0, false), special("</s>", 1, false),
                          special("<mask>", 2, true)};
  json["pre_tokenizer"] = part;
  json["decoder"] = part;
  json["post_processor"] = {{"type", "RobertaProcessing"},
                            {"sep", {"</s>", 1}},
                            {"cls", {"<s>", 0}},
                            {"trim_offsets", true},
                            {"add_prefix_space", false}};
  return json;
}

void encode_text(std::string_view text) {
  const std::optional<std::u32string> characters = slow_decode(text);
  static const Twins bert_twins = twins(bert()), byte_twins = twins(byte_level());
  require(utf8::is_valid(text) == characters.has_value(), "UTF-8 that one takes and not the other");
  if (!characters) {
    require(!accepted([&] { bert_twins.fast.encode(text); }), "a text that is not UTF-8");
    return;
  }
  compare_wordpiece(text, *characters);
  compare_unigram(text, *characters);
  compare_bpe(text, *characters);
  compare_twins(bert_twins, text);
  compare_twins(byte_twins, text);
}

const Registration kTextTarget({"text", encode_text});

}  // namespace
}  // namespace sapwood::fuzz
