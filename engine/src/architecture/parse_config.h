// config.json to ModelConfig.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "architecture/family.h"
#include "base/json.h"
#include "base/notices.h"
#include "sapwood/config.h"

namespace sapwood {

// What is known of the weights, where config.json itself does not name a class that there is: the head that they have
// been found to have, or whether they have a tensor of this name (null: nobody can say).
struct KnownWeights {
  std::optional<HeadKind> head;
  std::function<bool(const std::string& tensor)> has = nullptr;
};

// Parses config.json of any family. `labels` stay as id2label gives them (empty where absent); resolve_labels() settles
// them. The head is that of the class in `architectures`; where there is none, or one that is no class of the family's,
// that whose tensors are there. `notices`, where it is not null, gets the keys that nobody knows, and what was guessed.
// Throws Error malformed, mismatch, unsupported, naming the document and the field; an unknown model_type names the
// families that there are.
ModelConfig parse_config(const JsonValue& config, Notices* notices = nullptr,
                         const KnownWeights& weights = {});

// The family that it names, or by its other keys must be of.
const Family& family_of_config(const JsonValue& config);

}  // namespace sapwood
