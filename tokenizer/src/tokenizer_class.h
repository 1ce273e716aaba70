// The class of transformers that tokenizer_config.json or config.json names, and what it implies.
#pragma once

#include <string>
#include <string_view>

namespace sapwood {

struct TokenizerClass {
  std::string_view name;
  // Text is prepared as BERT's tokenizers do: do_lower_case, strip_accents and tokenize_chinese_chars count more
  // than tokenizer.json, and absent they have BERT's defaults.
  bool bert_text = false;
  bool reads_vocab_txt = false;  // as BERT's tokenizers do
  bool token_types = true;       // whether models are told which of two texts a token is of
};

// The class of this name, with or without "Fast" behind it; one without a rule of its own where the name is another.
const TokenizerClass& find_tokenizer_class(std::string_view name) noexcept;

// The class that transformers takes for a model of this type; empty where nothing is known of it.
std::string_view class_of_model_type(std::string_view model_type) noexcept;

// Error unsupported for a class that does not do what tokenizer.json (or vocab.txt, where that is all there is) says:
// its ids would be others. `where` is what messages call the place of the name.
void check_tokenizer_class(std::string_view name, bool has_json, bool remote_code,
                           const std::string& where);

}  // namespace sapwood
