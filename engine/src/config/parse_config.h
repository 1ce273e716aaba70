// config.json (and sentence-transformers' companions) to ModelConfig.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "sapwood/config.h"

namespace sapwood {

// Parses config.json of a distilbert, bert or crammedBERT model. `labels` stay as id2label gives
// them (empty where absent); resolve_labels() settles them. Throws Error malformed, mismatch,
// unsupported, naming the field.
ModelConfig parse_config(const nlohmann::json& config);

// The head's rows decide how many labels there are: empty labels become LABEL_0, LABEL_1, ...; an
// id2label of another size is Error mismatch.
void resolve_labels(ModelConfig& config, int head_rows);

// modules.json, 1_Pooling/config.json and sentence_bert_config.json of a sentence-transformers
// directory; nothing where there is no modules.json.
std::optional<SentenceConfig> read_sentence_config(const std::filesystem::path& directory);

// The same facts as JSON, and back: converted files carry them.
nlohmann::json to_json(const SentenceConfig& sentence);
SentenceConfig sentence_from_json(const nlohmann::json& json);

// The whole text of a small file. Throws Error not_found, io, or malformed beyond `limit` bytes.
std::string read_text_file(const std::filesystem::path& path, std::size_t limit = 64 << 20);

}  // namespace sapwood
