// config.json to ModelConfig.
#pragma once

#include "base/json.h"
#include "sapwood/config.h"

namespace sapwood {

// Parses config.json of a distilbert, bert or crammedBERT model. `labels` stay as id2label gives
// them (empty where absent); resolve_labels() settles them. Throws Error malformed, mismatch,
// unsupported, naming the document and the field.
ModelConfig parse_config(const JsonValue& config);

// The head's rows decide how many labels there are: empty labels become LABEL_0, LABEL_1, ...; an
// id2label of another size is Error mismatch.
void resolve_labels(ModelConfig& config, int head_rows);

}  // namespace sapwood
