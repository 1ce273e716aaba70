// Answers of tasks as the transformers pipelines write them.
#pragma once

#include "base/json_writer.h"
#include "sapwood/tasks.h"

namespace sapwood::serve {

void write_json(JsonWriter& writer, const Classification& value);  // a list
void write_json(JsonWriter& writer, const Entities& value);        // a list
void write_json(JsonWriter& writer, const MaskFills& value);       // a list, or one for each mask
void write_json(JsonWriter& writer, const std::vector<Answer>& value);  // an object each

}  // namespace sapwood::serve
