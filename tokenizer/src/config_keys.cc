#include "config_keys.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/quote.h"

namespace sapwood {
namespace {

using enum KeyUse;

constexpr std::string_view kRole = "a special token: its role, its flags, an id of its own";
constexpr std::string_view kNotPadded = "texts are never padded here";
constexpr std::string_view kCallArgument =
    "an argument of a call, left by transformers from tokenizer.json's truncation section";
constexpr std::string_view kSlowOnly =
    "transformers' fast tokenizers pass over it, as version 5 does everywhere";
constexpr std::string_view kFile = "about the files and where they came from";
constexpr std::string_view kInJson = "tokenizer.json says it, and counts in transformers";
constexpr std::string_view kChat = "for conversations with generating models";
constexpr std::string_view kBoxes = "for documents with boxes; texts alone are read here";

constexpr KnownKey kTokenizerConfig[] = {
    {"tokenizer_class", honoured,
     "its rules (tokenizer_class.cc); refused where the class does other than the files say"},
    {"auto_map", honoured, "code is never run; a class that is only there is refused"},
    {"model_max_length", honoured, "the length that texts are cut to"},
    {"max_len", honoured, "model_max_length of old files"},
    {"do_lower_case", honoured, "counts more than tokenizer.json, for the classes of BERT"},
    {"strip_accents", honoured, "likewise"},
    {"tokenize_chinese_chars", honoured, "likewise"},
    {"bos_token", honoured, kRole},
    {"eos_token", honoured, kRole},
    {"unk_token", honoured, kRole},
    {"sep_token", honoured, kRole},
    {"pad_token", honoured, kRole},
    {"cls_token", honoured, kRole},
    {"mask_token", honoured, kRole},
    {"additional_special_tokens", honoured, "special tokens, found in the text"},
    {"extra_special_tokens", honoured, "likewise (transformers 5); also by names of their own"},
    {"added_tokens_decoder", honoured,
     "added tokens with their flags; beside it special_tokens_map.json and added_tokens.json are "
     "not read"},
    {"truncation_side", honoured, "the end of a text that is cut"},
    {"model_input_names", honoured, "whether the model gets token types"},
    {"clean_up_tokenization_spaces", honoured, "spaces before punctuation in decoded text"},
    {"split_special_tokens", honoured, "special tokens in a text are plain text"},
    {"add_prefix_space", honoured,
     "counts more than tokenizer.json, with a notice, for the classes of RoBERTa and GPT-2 "
     "(absent: "
     "false), and where it is there for those of XLM-RoBERTa and CamemBERT; for others a "
     "difference "
     "is a notice"},
    {"trim_offsets", honoured, "likewise, for the classes of RoBERTa (absent: true)"},

    {"padding_side", harmless, kNotPadded},
    {"pad_to_multiple_of", harmless, kNotPadded},
    {"pad_token_type_id", harmless, kNotPadded},
    {"max_length", harmless, kCallArgument},
    {"stride", harmless, kCallArgument},
    {"truncation_strategy", harmless, kCallArgument},
    {"do_basic_tokenize", harmless, kSlowOnly},
    {"never_split", harmless, kSlowOnly},
    {"wordpieces_prefix", harmless, kSlowOnly},
    {"use_fast", harmless, kSlowOnly},
    {"from_slow", harmless, kSlowOnly},
    {"add_bos_token", harmless, kInJson},
    {"add_eos_token", harmless, kInJson},
    {"errors", harmless, kInJson},
    {"keep_accents", harmless, kInJson},
    {"remove_space", harmless, kInJson},
    {"legacy", harmless, kInJson},
    {"sp_model_kwargs", harmless, kInJson},
    {"vocab_type", harmless, kInJson},
    {"split_by_punct", harmless, kInJson},
    {"name_or_path", harmless, kFile},
    {"_name_or_path", harmless, kFile},
    {"special_tokens_map_file", harmless, kFile},
    {"tokenizer_file", harmless, kFile},
    {"vocab_file", harmless, kFile},
    {"merges_file", harmless, kFile},
    {"spm_file", harmless, kFile},
    {"processor_class", harmless, kFile},
    {"init_inputs", harmless, kFile},
    {"backend", harmless, kFile},
    {"is_local", harmless, kFile},
    {"local_files_only", harmless, kFile},
    {"files_loaded", harmless, kFile},
    {"_commit_hash", harmless, kFile},
    {"transformers_version", harmless, kFile},
    {"chat_template", harmless, kChat},
    {"response_template", harmless, kChat},
    {"response_schema", harmless, kChat},
    {"chat_control_tokens", harmless, kChat},
    {"cls_token_box", harmless, kBoxes},
    {"sep_token_box", harmless, kBoxes},
    {"pad_token_box", harmless, kBoxes},
    {"pad_token_label", harmless, kBoxes},
    {"only_label_first_subword", harmless, kBoxes}};

constexpr KnownKey kSpecialTokensMap[] = {
    {"bos_token", honoured, kRole},
    {"eos_token", honoured, kRole},
    {"unk_token", honoured, kRole},
    {"sep_token", honoured, kRole},
    {"pad_token", honoured, kRole},
    {"cls_token", honoured, kRole},
    {"mask_token", honoured, kRole},
    {"additional_special_tokens", honoured, "special tokens, found in the text"},
    {"extra_special_tokens", honoured, "likewise"}};

constexpr std::string_view kTokenizerJson[] = {"version",        "truncation", "padding",
                                               "added_tokens",   "normalizer", "pre_tokenizer",
                                               "post_processor", "decoder",    "model"};

// As tokenizers 0.23 writes them.
constexpr std::string_view kComponents[] = {
    "type", "pattern", "String", "Regex", "content", "behavior", "invert",
    // normalizers
    "normalizers", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase", "strip_left",
    "strip_right", "prepend", "precompiled_charsmap",
    // pre-tokenizers
    "pretokenizers", "add_prefix_space", "trim_offsets", "use_regex", "replacement", "str_rep",
    "prepend_scheme", "split", "individual_digits", "delimiter", "length",
    // post-processors
    "processors", "sep", "cls", "single", "pair", "special_tokens",
    // decoders
    "decoders", "prefix", "cleanup", "suffix", "start", "stop", "pad_token", "word_delimiter_token",
    // models
    "vocab", "merges", "unk_token", "unk_id", "continuing_subword_prefix", "end_of_word_suffix",
    "max_input_chars_per_word", "fuse_unk", "byte_fallback", "ignore_merges", "dropout", "sapwood",
    // truncation and padding
    "max_length", "strategy", "stride", "direction", "Fixed", "pad_to_multiple_of", "pad_id",
    "pad_type_id",
    // added tokens
    "id", "single_word", "lstrip", "rstrip", "normalized", "special"};

// Members whose own keys are not keywords but a file's words, or are read one by one elsewhere.
constexpr std::string_view kWords[] = {"vocab",  "merges", "special_tokens",
                                       "single", "pair",   "sapwood"};

template <std::size_t count>
bool contains(const std::string_view (&keys)[count], std::string_view key) {
  return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

class Unknown {
 public:
  void add(const std::string& key) {
    constexpr std::size_t kMost = 16;
    if (++count_ <= kMost) names_ += (count_ > 1 ? ", " : "") + quote(key);
    if (count_ == kMost + 1) names_ += ", ...";
  }
  void tell(const JsonValue& root, Notices& notices) const {
    if (count_ == 0) return;
    notices.add(root.path() + ": nothing is known of the keys " + names_ +
                "; what they ask for is not done");
  }

 private:
  std::string names_;
  std::size_t count_ = 0;
};

// null, {} and [] ask for nothing, and neither does false.
bool says_nothing(const JsonValue& value) {
  return value.is_null() || (value.is_boolean() && !value.boolean()) ||
         ((value.is_object() || value.is_array()) && value.size() == 0);
}

// Goes as deep as the JSON reader allows.
void find_unknown(const JsonValue& value, const std::string& place, Unknown& unknown) {
  if (value.is_array()) {
    for (const JsonValue element : value.elements()) find_unknown(element, place, unknown);
  }
  if (!value.is_object()) return;
  for (const JsonValue member : value.members()) {
    const std::string_view key = member.key();
    if (!contains(kComponents, key)) {
      if (!says_nothing(member)) unknown.add(place + "." + std::string(key));
    } else if (!contains(kWords, key)) {
      find_unknown(member, place, unknown);
    }
  }
}

}  // namespace

std::span<const KnownKey> tokenizer_config_keys() noexcept { return kTokenizerConfig; }
std::span<const KnownKey> special_tokens_map_keys() noexcept { return kSpecialTokensMap; }
std::span<const std::string_view> tokenizer_json_keys() noexcept { return kTokenizerJson; }
std::span<const std::string_view> component_keys() noexcept { return kComponents; }

void tell_unknown_keys(const JsonValue& root, std::span<const KnownKey> known, Notices& notices) {
  Unknown unknown;
  for (const JsonValue member : root.members()) {
    const std::string_view key = member.key();
    // Special tokens may have names of their own.
    const bool token = key.ends_with("_token") && member.is_string();
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const KnownKey& one) { return one.key == key; });
    if (!token && !is_known && !says_nothing(member)) unknown.add(std::string(key));
  }
  unknown.tell(root, notices);
}

void tell_unknown_json_keys(const JsonValue& root, Notices& notices) {
  Unknown unknown;
  for (const JsonValue member : root.members()) {
    const std::string_view key = member.key();
    if (contains(kTokenizerJson, key)) {
      find_unknown(member, std::string(key), unknown);
    } else if (!says_nothing(member)) {
      unknown.add(std::string(key));
    }
  }
  unknown.tell(root, notices);
}

}  // namespace sapwood
