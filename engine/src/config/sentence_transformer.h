// What sentence-transformers' files say of the Transformer module, and where its files are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "base/notices.h"
#include "sapwood/config.h"

namespace sapwood {

// Error unsupported about a member.
[[noreturn]] void refuse(const JsonValue& object, std::string_view key, const std::string& why);

// The folder of a module: one in the model's folder with a usual name, so that whoever lists a model's files without reading
// modules.json (model_files) finds it; or "", the model's own. Throws Error malformed.
std::string module_folder(const JsonValue& module);

// What a Transformer module gives to the modules behind it.
enum class TransformerOutput : std::uint8_t {
  unsaid,  // the last hidden states, where nothing says otherwise
  hidden,
  words,   // the logits of a masked-LM head
  labels,  // those of a classifier
};

// sentence_bert_config.json or its kin, but for the length (read_sentence_length). Throws Error malformed, unsupported.
TransformerOutput read_transformer_settings(const Folder& folder, SentenceConfig& sentence,
                                            Notices& notices);

}  // namespace sapwood
