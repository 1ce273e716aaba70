// What sentence-transformers' files say of the Transformer module, and where its files are.
#pragma once

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

// sentence_bert_config.json or its kin, but for the length (read_sentence_length). Throws Error malformed, unsupported.
void read_transformer_settings(const Folder& folder, SentenceConfig& sentence, Notices& notices);

}  // namespace sapwood
