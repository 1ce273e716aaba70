// What tokenizer_config.json and special_tokens_map.json say.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "base/notices.h"

namespace sapwood {

// Roles of tokens, and how text is prepared. Absent roles are guessed from the template and the
// usual names.
struct TokenizerConfig {
  std::optional<std::string> cls, sep, mask, pad, unk;
  std::optional<bool> lowercase, strip_accents, tokenize_chinese_chars,
      clean_up_tokenization_spaces;
  std::optional<int> model_max_length;
  Notices notices;  // about the files that the tokenizer was made from

  // Fills what is still unset. Error malformed, naming the document.
  void read(const JsonValue& config);
};

}  // namespace sapwood
