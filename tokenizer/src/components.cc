#include "components.h"

#include <limits>

#include "base/quote.h"
#include "sapwood/tokenizer/word_piece_decoder.h"

namespace sapwood {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();

std::string_view type_of(const JsonValue& node) { return node.at("type").string(); }

Pattern make_pattern(const JsonValue& node) {
  if (node.has("String")) return Pattern::literal(std::string(node.at("String").string()));
  if (node.has("Regex")) return Pattern::regex(node.at("Regex").string(), node.path());
  node.expected("a pattern with String or Regex");
}

SplitBehavior make_behavior(const JsonValue& node) {
  const std::string_view name = node.string();
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  refuse_type(node, "behaviour", name);
}

Direction make_direction(const JsonValue& node) {
  const std::string_view name = node.string();
  if (name == "Right") return Direction::right;
  if (name == "Left") return Direction::left;
  refuse_type(node, "direction", name);
}

}  // namespace

void refuse_type(const JsonValue& node, std::string_view kind, std::string_view type) {
  node.fail("the " + std::string(kind) + " " + quote(type) + " is not one that this version knows",
            ErrorCode::unsupported);
}

BertNormalizerOptions bert_options(const JsonValue& node) {
  BertNormalizerOptions options;
  options.clean_text = node.at("clean_text").boolean();
  options.handle_chinese_chars = node.at("handle_chinese_chars").boolean();
  options.lowercase = node.at("lowercase").boolean();
  options.strip_accents = node.boolean("strip_accents", options.lowercase);
  return options;
}

std::unique_ptr<Normalizer> make_normalizer(const JsonValue& node) {
  const std::string_view type = type_of(node);
  if (type == "BertNormalizer") return std::make_unique<BertNormalizer>(bert_options(node));
  if (type == "Sequence") {
    std::vector<std::unique_ptr<Normalizer>> parts;
    for (const JsonValue part : node.at("normalizers").elements()) {
      parts.push_back(make_normalizer(part));
    }
    return std::make_unique<NormalizerSequence>(std::move(parts));
  }
  if (type == "NFC") return std::make_unique<UnicodeNormalizer>(NormalForm::nfc);
  if (type == "NFD") return std::make_unique<UnicodeNormalizer>(NormalForm::nfd);
  if (type == "NFKC") return std::make_unique<UnicodeNormalizer>(NormalForm::nfkc);
  if (type == "NFKD") return std::make_unique<UnicodeNormalizer>(NormalForm::nfkd);
  if (type == "Lowercase") return std::make_unique<LowercaseNormalizer>();
  if (type == "StripAccents") return std::make_unique<StripAccentsNormalizer>();
  if (type == "Strip") {
    return std::make_unique<StripNormalizer>(node.at("strip_left").boolean(),
                                             node.at("strip_right").boolean());
  }
  if (type == "Prepend")
    return std::make_unique<PrependNormalizer>(std::string(node.at("prepend").string()));
  if (type == "Replace") {
    return std::make_unique<ReplaceNormalizer>(make_pattern(node.at("pattern")),
                                               std::string(node.at("content").string()));
  }
  refuse_type(node, "normalizer", type);
}

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const JsonValue& node) {
  const std::string_view type = type_of(node);
  if (type == "BertPreTokenizer") return std::make_unique<BertPreTokenizer>();
  if (type == "Whitespace") return std::make_unique<WhitespacePreTokenizer>();
  if (type == "WhitespaceSplit") return std::make_unique<WhitespaceSplitPreTokenizer>();
  if (type == "Punctuation") {
    return std::make_unique<PunctuationPreTokenizer>(
        node.has("behavior") ? make_behavior(node.at("behavior")) : SplitBehavior::isolated);
  }
  if (type == "Split") {
    return std::make_unique<SplitPreTokenizer>(make_pattern(node.at("pattern")),
                                               make_behavior(node.at("behavior")),
                                               node.at("invert").boolean());
  }
  if (type == "Sequence") {
    std::vector<std::unique_ptr<PreTokenizer>> parts;
    for (const JsonValue part : node.at("pretokenizers").elements()) {
      parts.push_back(make_pre_tokenizer(part));
    }
    return std::make_unique<PreTokenizerSequence>(std::move(parts));
  }
  refuse_type(node, "pre-tokenizer", type);
}

Decoder make_decoder(const JsonValue& node) {
  const std::string_view type = type_of(node);
  if (type != "WordPiece") refuse_type(node, "decoder", type);
  const WordPieceDecoder decoder{std::string(node.at("prefix").string()),
                                 node.at("cleanup").boolean()};
  return [decoder](std::span<const std::string> tokens) { return decoder.join(tokens); };
}

TruncationSection make_truncation(const JsonValue& node) {
  TruncationSection section;
  section.max_length = static_cast<int>(node.at("max_length").integer(0, kMaxInt));
  section.stride = static_cast<int>(node.at("stride").integer(0, kMaxInt));
  if (node.has("direction")) section.direction = make_direction(node.at("direction"));
  const std::string_view strategy = node.at("strategy").string();
  if (strategy == "LongestFirst") {
    section.strategy = Truncation::longest_first;
  } else if (strategy == "OnlyFirst") {
    section.strategy = Truncation::only_first;
  } else if (strategy == "OnlySecond") {
    section.strategy = Truncation::only_second;
  } else {
    refuse_type(node.at("strategy"), "truncation strategy", strategy);
  }
  return section;
}

PaddingSection make_padding(const JsonValue& node) {
  PaddingSection section;
  const JsonValue strategy = node.at("strategy");
  if (strategy.has("Fixed")) {
    section.fixed_length = static_cast<int>(strategy.at("Fixed").integer(0, kMaxInt));
  } else if (strategy.is_object() || strategy.string() != "BatchLongest") {
    strategy.expected("\"BatchLongest\" or {\"Fixed\": length}");
  }
  section.direction = make_direction(node.at("direction"));
  if (node.has("pad_to_multiple_of")) {
    section.pad_to_multiple_of =
        static_cast<int>(node.at("pad_to_multiple_of").integer(0, kMaxInt));
  }
  section.pad_id = static_cast<int32_t>(node.at("pad_id").integer(0, kMaxInt));
  section.pad_type_id = static_cast<int32_t>(node.at("pad_type_id").integer(0, kMaxInt));
  section.pad_token = std::string(node.at("pad_token").string());
  return section;
}

}  // namespace sapwood
