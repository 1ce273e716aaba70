// The components of a tokenizer.json by their "type". Every function throws Error unsupported,
// naming the component, for a type it does not know, and malformed for members that are missing or
// wrong.
#pragma once

#include <memory>

#include "impl.h"
#include "json_node.h"

namespace sapwood {

std::unique_ptr<Normalizer> make_normalizer(const JsonNode& node);
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const JsonNode& node);
PostProcessor make_post_processor(const JsonNode& node, const Vocabulary& vocabulary,
                                  const std::vector<AddedToken>& added, SpecialIds& special);
WordPieceDecoder make_decoder(const JsonNode& node);
WordPiece make_model(const JsonNode& node, const std::vector<VocabularyEntry>& vocabulary);
std::vector<AddedToken> make_added_tokens(const JsonNode& node, const Vocabulary& vocabulary);
TruncationSection make_truncation(const JsonNode& node);
PaddingSection make_padding(const JsonNode& node);

}  // namespace sapwood
