// The class of transformers that tokenizer_config.json or config.json names, and what it implies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/notices.h"

namespace sapwood {

// What a tokenizer is made from.
enum class TokenizerFiles : std::uint8_t { tokenizer_json, vocab_txt, vocab_and_merges };

// Whether add_prefix_space of tokenizer_config.json counts more than tokenizer.json.
enum class PrefixSpace : std::uint8_t {
  of_the_file,  // it does not
  byte_level,   // for the pre-tokenizer ByteLevel, and absent it is false
  roberta,  // so too, and for the post-processor with trim_offsets, which is true where it is absent
  metaspace,  // for Metaspace, where it is there
};

struct TokenizerClass {
  std::string_view name;
  // Text is prepared as BERT's tokenizers do: do_lower_case, strip_accents and tokenize_chinese_chars count more
  // than tokenizer.json, and absent they have BERT's defaults.
  bool bert_text = false;
  bool reads_vocab_txt = false;  // as BERT's tokenizers do
  bool reads_merges = false;     // vocab.json and merges.txt, as RoBERTa's tokenizer does
  bool token_types = true;       // whether models are told which of two texts a token is of
  PrefixSpace prefix_space = PrefixSpace::of_the_file;
};

// The class of this name, with or without "Fast" behind it; one without a rule of its own where the name is another.
const TokenizerClass& find_tokenizer_class(std::string_view name) noexcept;

// The class that transformers takes for a model of this type; empty where nothing is known of it.
std::string_view class_of_model_type(std::string_view model_type) noexcept;

// The name of a class, and what is known of where it came from.
struct NamedClass {
  std::string_view name;
  std::string_view where;    // what messages call the place of the name
  bool remote_code = false;  // code of the repository's own has it
};

// Error unsupported for a class that does not do what the files say: its ids would be others. One that nobody knows is a
// notice beside a tokenizer.json.
void check_tokenizer_class(const NamedClass& named, TokenizerFiles files, Notices& notices);

}  // namespace sapwood
