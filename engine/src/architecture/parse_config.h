// config.json to ModelConfig.
#pragma once

#include "base/json.h"
#include "base/notices.h"
#include "sapwood/config.h"

namespace sapwood {

// Parses config.json of any family. `labels` stay as id2label gives them (empty where absent); resolve_labels() settles
// them. `notices`, where it is not null, gets the keys that nobody knows. Throws Error malformed, mismatch, unsupported,
// naming the document and the field; an unknown model_type names the families that there are.
ModelConfig parse_config(const JsonValue& config, Notices* notices = nullptr);

}  // namespace sapwood
