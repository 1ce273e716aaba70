#include "components.h"

#include <limits>

#include "base/quote.h"
#include "byte_level.h"
#include "decoders.h"
#include "metaspace.h"
#include "precompiled.h"
#include "sapwood/tokenizer/word_piece_decoder.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int32_t>::max();

std::string_view type_of(const JsonValue& node) { return node.at("type").string(); }

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

Pattern make_pattern(const JsonValue& node) {
  if (node.has("String")) return Pattern::literal(std::string(node.at("String").string()));
  if (node.has("Regex")) return Pattern::regex(node.at("Regex").string(), node.path());
  node.expected("a pattern with String or Regex");
}

char32_t one_character(const JsonValue& node) {
  const std::string_view text = node.string();
  if (utf8::count(text) != 1) node.expected("one character");
  return utf8::decode(text);
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
  if (type == "Nmt") return std::make_unique<NmtNormalizer>();
  if (type == "Precompiled") {
    return std::make_unique<PrecompiledNormalizer>(read_character_map(node));
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
  if (type == "Digits") {
    const bool each = node.boolean("individual_digits", false);
    return std::make_unique<DigitsPreTokenizer>(each ? SplitBehavior::isolated
                                                     : SplitBehavior::contiguous);
  }
  if (type == "CharDelimiterSplit") {
    return std::make_unique<DelimiterPreTokenizer>(one_character(node.at("delimiter")));
  }
  if (type == "FixedLength") {
    const int64_t length = node.has("length") ? node.at("length").integer(1, kMaxInt) : 5;
    return std::make_unique<FixedLengthPreTokenizer>(static_cast<std::size_t>(length));
  }
  if (type == "ByteLevel") {
    return std::make_unique<ByteLevelPreTokenizer>(node.at("add_prefix_space").boolean(),
                                                   node.boolean("use_regex", true));
  }
  if (type == "Metaspace") {
    return std::make_unique<MetaspacePreTokenizer>(read_metaspace(node));
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
  if (type_of(node) == "WordPiece") {
    const WordPieceDecoder decoder{std::string(node.at("prefix").string()),
                                   node.at("cleanup").boolean()};
    return [decoder](std::span<const std::string> tokens) { return decoder.join(tokens); };
  }
  const DecoderStep step = make_decoder_step(node);
  return [step](std::span<const std::string> tokens) {
    std::string text;
    for (const std::string& part : step({tokens.begin(), tokens.end()})) text += part;
    return text;
  };
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
