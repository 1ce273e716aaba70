// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "added_tokens.h"
#include "base/json.h"
#include "base/notices.h"
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood {

// A token that a file names besides the vocabulary.
struct NamedToken {
  AddedToken token;  // its id where the file states one, else -1
  // Its flags count also where the tokenizer has the token already.
  bool flags_count = false;
  bool role = false;  // named as the mask, the padding, ...
};

// How BERT's tokenizer classes prepare text, whatever tokenizer.json says.
struct BertText {
  bool lowercase = true;
  std::optional<bool> strip_accents;  // unset: as `lowercase`
  bool chinese_chars = true;
};

// Roles of tokens, and how text is prepared. Absent roles are guessed from the template and the
// usual names.
struct TokenizerConfig {
  std::optional<std::string> cls, sep, mask, pad, unk;
  std::optional<bool> lowercase, strip_accents, tokenize_chinese_chars,
      clean_up_tokenization_spaces;
  std::optional<int> model_max_length;
  std::optional<Direction> truncation_side;
  std::optional<bool> token_types;  // whether models get them (model_input_names)
  std::optional<bool> add_prefix_space, trim_offsets;  // prefix_space.h
  bool split_special_tokens = false;
  // There is a tokenizer_config.json: the length that a tokenizer.json was cut to in training is not the limit.
  bool settles_length = false;

  std::string tokenizer_class, class_place;  // its name, and where it stands
  bool remote_code = false;                  // auto_map names code for the tokenizer
  std::optional<BertText> bert_text;

  // In the order in which transformers adds them to the tokenizer.
  std::vector<NamedToken> tokens;

  Notices notices;  // about the files that the tokenizer was made from

  // tokenizer_config.json. Whether it has added_tokens_decoder, beside which transformers reads neither of the two
  // other files. Errors malformed and unsupported, naming the document.
  bool read(const JsonValue& config);
  // special_tokens_map.json, whose roles count more than those of tokenizer_config.json.
  void read_special_tokens_map(const JsonValue& map);
  // added_tokens.json: {"<e1>": 30522}.
  void read_added_tokens(const JsonValue& ids);
  // Once, when all files are read: `tokens` from what they name, and what the tokenizer's class says where they are
  // silent.
  void settle();

  // What it adds to a tokenizer.json, as JSON; empty where it adds nothing. And back.
  std::string kept() const;
  void read_kept(const JsonValue& kept);

 private:
  struct Role;
  void collect_tokens();
  void read_roles(const JsonValue& config, bool replace);
  void read_text_settings(const JsonValue& config);
  void read_lengths(const JsonValue& config);

  static constexpr std::size_t kRoles = 7;
  std::array<std::optional<AddedToken>, kRoles> roles_;
  std::vector<AddedToken> additional_;
  std::vector<NamedToken> numbered_;  // by id
};

}  // namespace sapwood
