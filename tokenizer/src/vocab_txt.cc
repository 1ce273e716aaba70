// vocab.txt: one token a line.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "impl.h"
#include "sapwood/tokenizer/utf8.h"
#include "unicode.h"

namespace sapwood {
namespace {

// Without the white space at its end, which is how the reference reads a line (so CRLF is no
// different).
std::string_view trim_end(std::string_view line) {
  const unicode::FlagTable& flags = unicode::FlagTable::get();
  while (!line.empty()) {
    std::size_t at = line.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80) --at;
    Text last;
    last.assign(line.substr(at), 0);
    if (!(flags(last.chars[0]) & unicode::kSpace)) break;
    line = line.substr(0, at);
  }
  return line;
}

}  // namespace

std::vector<VocabularyEntry> parse_vocab_txt(std::string_view bytes, std::string_view where) {
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  if (bytes.substr(0, kBom.size()) == kBom) bytes.remove_prefix(kBom.size());
  const std::size_t invalid = utf8::find_invalid(bytes);
  if (invalid != utf8::kValid) {
    throw Error(ErrorCode::malformed, std::string(where) + " is not UTF-8 at byte " +
                                          std::to_string(invalid) +
                                          "; save the vocabulary as UTF-8");
  }
  std::vector<VocabularyEntry> entries;
  std::size_t blank = 0;  // line number of the first of the blank lines in hand
  for (std::size_t at = 0, number = 1; at < bytes.size(); ++number) {
    std::size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) end = bytes.size();
    const std::string_view token = trim_end(bytes.substr(at, end - at));
    at = end + 1;
    if (token.empty()) {
      if (blank == 0) blank = number;
      continue;
    }
    if (blank != 0) {
      throw Error(
          ErrorCode::malformed,
          std::string(where) + ": line " + std::to_string(blank) +
              " is blank; a token's id is its line number, so a blank line may stand only at "
              "the end of the file");
    }
    entries.push_back({token, static_cast<int64_t>(number - 1)});
  }
  return entries;
}

std::string document_for_vocab(const std::vector<VocabularyEntry>& vocabulary,
                               const VocabOptions& options) {
  using nlohmann::ordered_json;
  if (!options.lowercase) {
    throw Error(ErrorCode::invalid_argument,
                "nothing says whether this vocab.txt is for lowercased text: set "
                "VocabOptions::lowercase (--lowercase or --no-lowercase), or put a "
                "tokenizer_config.json with do_lower_case beside it");
  }
  auto find = [&](const std::string& token) -> std::optional<int64_t> {
    for (const VocabularyEntry& e : vocabulary) {
      if (e.token == token) return e.id;
    }
    return std::nullopt;
  };
  auto require = [&](const std::string& token) {
    const auto id = find(token);
    if (!id) {
      throw Error(ErrorCode::malformed, "the vocabulary lacks the special token \"" + token +
                                            "\"; it is not BERT's, or its special tokens have "
                                            "other names (tokenizer_config.json may give them)");
    }
    return *id;
  };
  const int64_t cls = require(options.cls_token), sep = require(options.sep_token);
  require(options.unk_token);

  ordered_json added = ordered_json::array();
  std::vector<std::pair<int64_t, std::string>> specials;
  for (const std::string& token : {options.pad_token, options.unk_token, options.cls_token,
                                   options.sep_token, options.mask_token}) {
    const auto id = find(token);
    if (id) specials.emplace_back(*id, token);
  }
  std::sort(specials.begin(), specials.end());
  specials.erase(std::unique(specials.begin(), specials.end()), specials.end());
  for (const auto& [id, token] : specials) {
    added.push_back({{"id", id},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  auto special = [](const std::string& token, int type) -> ordered_json {
    return {{"SpecialToken", {{"id", token}, {"type_id", type}}}};
  };
  auto sequence = [](const char* name, int type) -> ordered_json {
    return {{"Sequence", {{"id", name}, {"type_id", type}}}};
  };
  const std::string& c = options.cls_token;
  const std::string& s = options.sep_token;
  auto entry = [](const std::string& token, int64_t id) -> ordered_json {
    return {{"id", token},
            {"ids", ordered_json::array({id})},
            {"tokens", ordered_json::array({token})}};
  };
  ordered_json strip_accents = nullptr;
  if (options.strip_accents) strip_accents = *options.strip_accents;
  ordered_json document = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", options.clean_text},
        {"handle_chinese_chars", options.tokenize_chinese_chars},
        {"strip_accents", strip_accents},
        {"lowercase", *options.lowercase}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", ordered_json::array({special(c, 0), sequence("A", 0), special(s, 0)})},
        {"pair", ordered_json::array({special(c, 0), sequence("A", 0), special(s, 0),
                                      sequence("B", 1), special(s, 1)})},
        {"special_tokens", {{c, entry(c, cls)}, {s, entry(s, sep)}}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", options.unk_token},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100},
        {"vocab", ordered_json::object()}}}};
  return document.dump();
}

}  // namespace sapwood
