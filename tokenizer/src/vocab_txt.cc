// vocab.txt: one token a line.
#include <algorithm>

#include "base/error_place.h"
#include "base/quote.h"
#include "impl.h"
#include "repeated.h"
#include "sapwood/utf8.h"
#include "unicode.h"

namespace sapwood {
namespace {

// Without the white space at its end, which is how the reference reads a line (so CRLF is no
// different).
std::string_view trim_end(std::string_view line) {
  const unicode::FlagTable& flags = unicode::FlagTable::get();
  while (!line.empty()) {
    const char end = line.back();
    if (end > ' ' && end < '\x7F') break;  // nearly always
    std::size_t at = line.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80) --at;
    if (!(flags(utf8::decode(line.substr(at))) & unicode::kSpace)) break;
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
  int64_t id = 0;
  for (std::size_t at = 0; at < bytes.size(); ++id) {
    std::size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) end = bytes.size();
    const std::string_view token = trim_end(bytes.substr(at, end - at));
    at = end + 1;
    // A blank line has an id like every other, and no text can ever give it.
    if (!token.empty()) entries.push_back({token, id});
  }
  return entries;
}

namespace {

int64_t require_id(const std::vector<VocabularyEntry>& vocabulary, const std::string& token) {
  const auto at = std::find_if(vocabulary.begin(), vocabulary.end(),
                               [&](const VocabularyEntry& e) { return e.token == token; });
  if (at == vocabulary.end()) {
    throw Error(ErrorCode::malformed, "the vocabulary lacks the special token " + quote(token) +
                                          "; it is not BERT's, or its special tokens have "
                                          "other names (tokenizer_config.json may give them)");
  }
  return at->id;
}

void write_added_tokens(JsonWriter& writer, const std::vector<VocabularyEntry>& vocabulary,
                        const VocabOptions& options) {
  const std::string* const specials[] = {&options.pad_token, &options.unk_token, &options.cls_token,
                                         &options.sep_token, &options.mask_token};
  writer.begin_array();
  for (const VocabularyEntry& e : vocabulary) {
    if (std::none_of(std::begin(specials), std::end(specials),
                     [&](const std::string* token) { return *token == e.token; })) {
      continue;
    }
    writer.begin_object().member("id", e.id).member("content", e.token);
    for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      writer.member(flag, false);
    }
    writer.member("special", true).end();
  }
  writer.end();
}

// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] whose second text and what follows it are of type 1.
void write_template(JsonWriter& writer, const std::vector<VocabularyEntry>& vocabulary,
                    const VocabOptions& options) {
  const auto piece = [&](const char* kind, std::string_view id, int type) {
    writer.begin_object().key(kind).begin_object();
    writer.member("id", id).member("type_id", type).end().end();
  };
  const auto single = [&] {
    piece("SpecialToken", options.cls_token, 0);
    piece("Sequence", "A", 0);
    piece("SpecialToken", options.sep_token, 0);
  };
  writer.begin_object().member("type", "TemplateProcessing");
  writer.key("single").begin_array();
  single();
  writer.end().key("pair").begin_array();
  single();
  piece("Sequence", "B", 1);
  piece("SpecialToken", options.sep_token, 1);
  writer.end().key("special_tokens").begin_object();
  for (const std::string& token : {options.cls_token, options.sep_token}) {
    writer.key(token).begin_object().member("id", token);
    writer.key("ids").begin_array().value(require_id(vocabulary, token)).end();
    writer.key("tokens").begin_array().value(token).end().end();
  }
  writer.end().end();
}

void keep_last_lines(std::vector<VocabularyEntry>& vocabulary, const std::string& where,
                     Notices& notices) {
  constexpr std::size_t kMostNamed = 3;
  std::size_t named = 0;
  for (const auto& [first, second] : keep_last(vocabulary)) {
    if (++named > kMostNamed) break;
    notices.add(where + ": the token " + quote(first.token) + " stands on the lines " +
                std::to_string(first.id + 1) + " and " + std::to_string(second.id + 1) +
                "; the last one counts");
  }
}

// The tokenizer.json (vocabulary empty) that stands for a BERT vocabulary with these options. That it
// is read again costs some microseconds, and leaves one way to make a tokenizer: to_json gives it too.
std::string document_for_vocab(const std::vector<VocabularyEntry>& vocabulary,
                               const VocabOptions& options) {
  for (const std::string& token : {options.cls_token, options.sep_token, options.unk_token}) {
    require_id(vocabulary, token);
  }
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("version", "1.0").key("added_tokens");
  write_added_tokens(writer, vocabulary, options);
  writer.key("normalizer").begin_object().member("type", "BertNormalizer");
  writer.member("clean_text", options.clean_text);
  writer.member("handle_chinese_chars", options.tokenize_chinese_chars);
  if (options.strip_accents) writer.member("strip_accents", *options.strip_accents);
  writer.member("lowercase", options.lowercase.value_or(true)).end();
  writer.key("pre_tokenizer").begin_object().member("type", "BertPreTokenizer").end();
  writer.key("post_processor");
  write_template(writer, vocabulary, options);
  writer.key("decoder").begin_object().member("type", "WordPiece");
  writer.member("prefix", "##").member("cleanup", true).end();
  writer.key("model").begin_object().member("type", "WordPiece");
  writer.member("unk_token", options.unk_token).member("continuing_subword_prefix", "##");
  writer.member("max_input_chars_per_word", 100);
  writer.key("vocab").begin_object().end().end().end();
  return out;
}

}  // namespace

std::shared_ptr<Tokenizer::Impl> build_from_vocab(std::string_view vocab_txt,
                                                  const std::string& where,
                                                  const VocabOptions& options,
                                                  TokenizerConfig config) {
  config.cls = options.cls_token;
  config.sep = options.sep_token;
  config.mask = options.mask_token;
  config.pad = options.pad_token;
  config.model_max_length = options.model_max_length;
  config.clean_up_tokenization_spaces = options.clean_up_tokenization_spaces;
  config.bert_text.reset();  // the options have it
  // Of a role's token nothing else says what flags it has.
  for (NamedToken& named : config.tokens) named.flags_count |= named.role;
  auto vocabulary = parse_vocab_txt(vocab_txt, where);
  keep_last_lines(vocabulary, where, config.notices);
  if (!options.lowercase) {
    config.notices.add(where +
                       ": nothing says whether it is for lower-cased text; it is taken for that, "
                       "as transformers does (do_lower_case in tokenizer_config.json, or the "
                       "option lowercase, says otherwise)");
  }
  return build_tokenizer(
      {JsonDocument::parse(placing(where, [&] { return document_for_vocab(vocabulary, options); }),
                           where),
       std::move(vocabulary)},
      std::move(config));
}

}  // namespace sapwood
