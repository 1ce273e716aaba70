// A tokenizer without its model: from a directory, a tokenizer.json, a vocab.txt or a converted
// file.
#pragma once

#include <filesystem>
#include <optional>

#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood::cli {

struct TokenizerSource {
  Tokenizer tokenizer;
  std::optional<int> max_length;  // what its model would cut at; unset: nothing there says
};

// Weights are not read, except that a converted file is mapped. UsageError for a vocab.txt with
// nothing that says whether it is lower-cased.
TokenizerSource load_tokenizer(const std::filesystem::path& path, std::optional<bool> lowercase,
                               std::optional<bool> strip_accents);

}  // namespace sapwood::cli
