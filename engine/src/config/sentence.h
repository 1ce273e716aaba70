// sentence-transformers' files to SentenceConfig.
#pragma once

#include <optional>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "base/notices.h"
#include "sapwood/config.h"

namespace sapwood {

// modules.json, 1_Pooling/config.json and sentence_bert_config.json of a sentence-transformers
// directory; nothing where there is no modules.json. Throws Error malformed, unsupported, naming
// file and field.
std::optional<SentenceConfig> read_sentence_config(const Folder& folder, Notices& notices);

// Of these the length that texts are cut to, in tokens: all that a tokenizer without its model
// needs.
std::optional<int> read_sentence_length(const Folder& folder, Notices& notices);

// The same facts as JSON, and back: converted files carry them.
std::string to_json(const SentenceConfig& sentence);
SentenceConfig sentence_from_json(const JsonValue& json);

// The JSON of a small file; a key that came twice is a notice.
JsonDocument read_json(const InputFile& file, Notices& notices);

}  // namespace sapwood
