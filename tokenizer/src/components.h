// The components of a tokenizer.json by their "type". Every function throws Error unsupported,
// naming the component, for a type it does not know, and malformed for members that are missing or
// wrong.
#pragma once

#include <memory>

#include "base/json.h"
#include "impl.h"

namespace sapwood {

// What they throw for a type they do not know; `kind`: of component, "decoder".
[[noreturn]] void refuse_type(const JsonValue& node, std::string_view kind, std::string_view type);

BertNormalizerOptions bert_options(const JsonValue& node);  // of a BertNormalizer
std::unique_ptr<Normalizer> make_normalizer(const JsonValue& node);
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const JsonValue& node);
PostProcessor make_post_processor(const JsonValue& node, const Vocabulary& vocabulary,
                                  const std::vector<AddedToken>& added, SpecialIds& special);
Decoder make_decoder(const JsonValue& node);
Pattern make_pattern(const JsonValue& node);
// The character of a string of one. Error malformed where it has more or none.
char32_t one_character(const JsonValue& node);
TruncationSection make_truncation(const JsonValue& node);
PaddingSection make_padding(const JsonValue& node);

}  // namespace sapwood
