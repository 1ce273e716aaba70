// vocab.json and merges.txt without a tokenizer.json: RoBERTa's tokenizer as its authors' releases have it, read as
// transformers' RobertaConverter (convert_slow_tokenizer.py) does.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/quote.h"
#include "impl.h"

namespace sapwood {
namespace {

struct SpecialToken {
  std::string token;
  std::optional<std::int32_t> id;  // nothing where vocab.json does not have it
};

// RoBERTa's roles, the mask last.
struct SpecialTokens {
  SpecialToken cls, pad, sep, unk, mask;

  SpecialTokens(const JsonValue& vocabulary, const TokenizerConfig& config)
      : cls(find(vocabulary, config.cls.value_or("<s>"))),
        pad(find(vocabulary, config.pad.value_or("<pad>"))),
        sep(find(vocabulary, config.sep.value_or("</s>"))),
        unk(find(vocabulary, config.unk.value_or("<unk>"))),
        mask(find(vocabulary, config.mask.value_or("<mask>"))) {
    for (const SpecialToken* needed : {&cls, &sep}) {
      if (needed->id) continue;
      throw Error(ErrorCode::unsupported,
                  vocabulary.path() +
                      ": a vocab.json without tokenizer.json is known of RoBERTa "
                      "alone, but it has no token " +
                      quote(needed->token) +
                      ": let transformers write a tokenizer.json "
                      "(AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))");
    }
  }

 private:
  static SpecialToken find(const JsonValue& vocabulary, std::string token) {
    constexpr int kMostIds = 1 << 24;
    SpecialToken found{std::move(token), std::nullopt};
    if (vocabulary.has(found.token)) found.id = vocabulary.integer(found.token, 0, kMostIds);
    return found;
  }
};

void write_added(JsonWriter& writer, const SpecialToken& token, bool mask) {
  if (!token.id) return;
  // A mask takes the space before it, as the words that it stands for do.
  writer.begin_object().member("id", *token.id).member("content", token.token);
  writer.member("single_word", false).member("lstrip", mask).member("rstrip", false);
  writer.member("normalized", !mask).member("special", true).end();
}

void write_processor(JsonWriter& writer, const SpecialTokens& tokens, bool prefix_space,
                     bool trim_offsets) {
  writer.key("post_processor").begin_object().member("type", "RobertaProcessing");
  for (const auto& [name, token] : {std::pair{"sep", &tokens.sep}, std::pair{"cls", &tokens.cls}}) {
    writer.key(name).begin_array().value(token->token).value(*token->id).end();
  }
  writer.member("trim_offsets", trim_offsets).member("add_prefix_space", prefix_space).end();
}

void write_byte_level(JsonWriter& writer, const char* key, bool prefix_space) {
  writer.key(key).begin_object().member("type", "ByteLevel");
  writer.member("add_prefix_space", prefix_space).member("trim_offsets", true);
  writer.member("use_regex", true).end();
}

// A merge a line, the best first, behind a line that names the version.
void write_merges(JsonWriter& writer, std::string_view lines) {
  writer.key("merges").begin_array();
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size());
    std::string_view line = lines.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && !(begin == 0 && line.starts_with("#version"))) writer.value(line);
    begin = end + 1;
  }
  writer.end();
}

}  // namespace

std::shared_ptr<Tokenizer::Impl> build_from_merges(const InputFile& vocab, const InputFile& merges,
                                                   TokenizerConfig config) {
  const std::string where = vocab.path().string();
  const JsonDocument vocabulary = JsonDocument::parse(vocab.read(kMaxTokenizerBytes), where);
  if (!vocabulary.root().is_object()) vocabulary.root().expected("an object");
  const SpecialTokens tokens(vocabulary.root(), config);
  const bool prefix_space = config.add_prefix_space.value_or(false);
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().key("added_tokens").begin_array();
  for (const SpecialToken* token : {&tokens.cls, &tokens.pad, &tokens.sep, &tokens.unk}) {
    write_added(writer, *token, false);
  }
  write_added(writer, tokens.mask, true);
  writer.end();
  write_byte_level(writer, "pre_tokenizer", prefix_space);
  write_processor(writer, tokens, prefix_space, config.trim_offsets.value_or(true));
  write_byte_level(writer, "decoder", prefix_space);
  writer.key("model").begin_object().member("type", "BPE");
  writer.key("vocab").raw(vocabulary.root().to_json());
  write_merges(writer, merges.read(kMaxTokenizerBytes));
  writer.end().end();
  config.notices.add(vocabulary.doubled_key_notices());
  return build_tokenizer({JsonDocument::parse(std::move(json), where + " and merges.txt")},
                         std::move(config));
}

}  // namespace sapwood
