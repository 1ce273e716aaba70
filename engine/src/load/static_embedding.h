// Static embeddings: a table of vectors by token, of which a text's mean is taken. Directories of model2vec, and
// sentence-transformers' module StaticEmbedding.
#pragma once

#include <optional>

#include "load/directory.h"

namespace sapwood {

// The directory as that of a model of the family "static_embedding", whose configuration is written from the
// tensors' shapes; nothing where it is of another kind. The table has a row for each token: what model2vec's "mapping"
// and "weights" make of its rows is made here. Behind them stands one row of zeros, for texts without tokens.
//
// Where config.json names model2vec, its rules are followed (model2vec 0.10, model.py): no special tokens,
// no unknown ones, at most max_length tokens (512), of the first max_length times the median token's characters. Else
// those of sentence-transformers (static_embedding.py): no special tokens, and every text whole up to
// kMostStaticTokens. The folder is moved from where it is one.
//
// Throws Error: mismatch where tensors do not fit each other; unsupported for another module behind StaticEmbedding than
// Normalize; as open_directory.
std::optional<DirectorySource> open_static_embedding(Folder& folder);

inline constexpr int kMostStaticTokens = 1 << 15;

}  // namespace sapwood
