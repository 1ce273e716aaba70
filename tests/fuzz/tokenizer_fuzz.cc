// Any tokenizer over any text: parts "tokenizer.json" (or "vocab.txt"), "tokenizer_config.json", "text" and "pair".
#include "encodings.h"
#include "files.h"

namespace sapwood::fuzz {
namespace {

// Nothing where one throws: what one refuses, the other refuses for the same reason.
std::optional<Encoding> encode(const Tokenizer& tokenizer, std::string_view text,
                               const EncodeOptions& options = {}) {
  std::optional<Encoding> encoding;
  accepted([&] { encoding = tokenizer.encode(text, options); });
  return encoding;
}

void compare(const Tokenizer& tokenizer, const Tokenizer& other, std::string_view text,
             const Encoding& encoding) {
  const std::optional<Encoding> again = encode(other, text);
  require(again && same(*again, encoding), "a copy of the tokenizer that encodes otherwise");
  require(tokenizer.vocab_size() == other.vocab_size(), "a copy of another size");
}

Tokenizer copy_of(const Tokenizer& tokenizer, bool parts) {
  try {
    return parts ? Tokenizer::from_parts(tokenizer.to_parts())
                 : Tokenizer::from_json(tokenizer.to_json());
  } catch (const Error& error) {
    throw Disagreement(std::string("a tokenizer whose copy is refused: ") + error.what());
  }
}

void use(const Tokenizer& tokenizer, std::string_view text, std::string_view pair) {
  const Tokenizer from_json = copy_of(tokenizer, false), from_parts = copy_of(tokenizer, true);
  const std::optional<Encoding> encoding = encode(tokenizer, text);
  EncodeOptions few;
  few.max_length = 7;
  few.stride = 1;
  if (const auto windows = encode(tokenizer, text, few)) {
    require(windows->size() <= 7, "more tokens than asked for");
    for (const Encoding& window : windows->overflowing) check_encoding(tokenizer, window, text);
  }
  encode(tokenizer, text, {.parse_special_tokens = false, .offset_unit = OffsetUnit::bytes});
  accepted([&] { check_encoding(tokenizer, tokenizer.encode(text, pair), text, pair); });
  if (!encoding) return;
  check_encoding(tokenizer, *encoding, text);
  compare(tokenizer, from_json, text, *encoding);
  compare(tokenizer, from_parts, text, *encoding);
  accepted([&] {
    tokenizer.tokens(*encoding);
    require(utf8::is_valid(tokenizer.decode(encoding->ids)), "a decoded text that is not UTF-8");
    tokenizer.decode(encoding->ids, false);
  });
}

void read_tokenizer(std::string_view input) {
  const std::vector<InputPart> parts = split_parts(input);
  const std::string json = find_part(parts, "tokenizer.json");
  accepted([&] {
    const Tokenizer tokenizer =
        json.empty() ? Tokenizer::from_vocab(find_part(parts, "vocab.txt"), {})
                     : Tokenizer::from_json(json, find_part(parts, "tokenizer_config.json"));
    use(tokenizer, find_part(parts, "text"), find_part(parts, "pair"));
  });
}

const Registration kTokenizerTarget({"tokenizer", read_tokenizer});

}  // namespace
}  // namespace sapwood::fuzz
