// The components of a tokenizer.json by their "type". Every function throws Error unsupported,
// naming the component, for a type it does not know, and malformed for members that are missing or
// wrong.
#pragma once

#include <memory>

#include "base/json.h"
#include "impl.h"

namespace sapwood {

std::unique_ptr<Normalizer> make_normalizer(const JsonValue& node);
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const JsonValue& node);
PostProcessor make_post_processor(const JsonValue& node, const Vocabulary& vocabulary,
                                  const std::vector<AddedToken>& added, SpecialIds& special);
WordPieceDecoder make_decoder(const JsonValue& node);
WordPiece make_model(const JsonValue& node, const std::vector<VocabularyEntry>& vocabulary);
std::vector<AddedToken> make_added_tokens(const JsonValue& node, const Vocabulary& vocabulary);
TruncationSection make_truncation(const JsonValue& node);
PaddingSection make_padding(const JsonValue& node);

}  // namespace sapwood
