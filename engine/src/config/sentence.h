// sentence-transformers' files to SentenceConfig. README.md in this folder has every key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/notices.h"
#include "sapwood/config.h"

namespace sapwood {

// Tokens of a length in a file, at most.
inline constexpr int kMaxSentenceLength = 1 << 20;

// What modules.json and the files that it leads to say; nothing where there is none. What is not
// supported is left in SentenceConfig::unsupported. Throws Error malformed, naming file and field.
std::optional<SentenceConfig> read_sentence_config(const Folder& folder, Notices& notices);

// Of these config_sentence_transformers.json alone, for a model without an encoder.
SentenceConfig read_sentence_settings(const Folder& folder, Notices& notices);

// The folder in this one that config.json, weights and tokenizer are in: what modules.json names as
// the path of its Transformer ("0_Transformer", before version 2.0). Nothing where they are in the
// folder itself.
std::optional<Folder> transformer_folder(const Folder& folder);

// Of these the length that texts are cut to, in tokens: all that a tokenizer without its model
// needs.
std::optional<int> read_sentence_length(const Folder& folder, Notices& notices);

// Gives a configuration what its sentence-transformers files say, if there are any. Throws Error
// mismatch where a module wants another width than it gets.
void add_sentence(ModelConfig& config, std::optional<SentenceConfig> sentence);

// By the function that files name for a cross-encoder, "torch.nn.modules.linear.Identity"; nothing
// for another one.
std::optional<PairScore> parse_pair_score(std::string_view function) noexcept;
// The notice about another one.
std::string unknown_pair_score(const std::string& where, std::string_view function);

// The same facts as JSON, and back: converted files carry them.
std::string to_json(const SentenceConfig& sentence);
SentenceConfig sentence_from_json(const JsonValue& json);

// The JSON of a small file; a key that came twice is a notice.
JsonDocument read_json(const InputFile& file, Notices& notices);

}  // namespace sapwood
