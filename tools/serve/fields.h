// Requests taken out of their JSON. What a body says wrongly is Error malformed, naming the place; what it
// asks for and cannot be had is ApiError.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "call.h"
#include "sapwood/model.h"
#include "sapwood/tasks.h"

namespace sapwood::serve {

// The body, which must be an object. Throws ApiError malformed for what is not JSON, has a byte order mark, a key
// twice or more than 1,048,576 values, or is nested too deeply.
JsonDocument read_json(std::string text);

// A text, two for models that read pairs, or token ids.
struct InputText {
  std::string_view text;
  std::optional<std::string_view> pair = std::nullopt;
  std::optional<std::vector<std::int32_t>> ids = std::nullopt;
};

struct Inputs {
  std::vector<InputText> items;
  bool list = false;  // as the client wrote it: a list, even of one
};

// A string, a list of strings, token ids, or a list of those. Ids must be of the model's vocabulary.
Inputs read_inputs(const JsonValue& value, const Model& model);
// A string or a list of strings.
Inputs read_texts(const JsonValue& value);
// What /predict takes: a string, a pair ["a", "b"], or a batch [["a"], ["b", "c"]].
Inputs read_sequences(const JsonValue& value);
// Token ids: one list, or a list of lists.
std::vector<std::vector<std::int32_t>> read_ids(const JsonValue& value, const Model& model,
                                                bool& list);

// The strings of a list, each of which may be an object with the member `text` where that is allowed.
std::vector<std::string_view> read_strings(const JsonValue& value, bool objects = false);

// `truncate` and `truncation_direction` as text-embeddings-inference has them.
LengthOptions read_length(const JsonValue& object, bool truncate_unless_said);
LengthOptions length_options(bool truncate, std::optional<Direction> direction = {});

// Fields that this route cannot honour are refused by name, unless they are null.
void refuse_fields(const JsonValue& object, std::initializer_list<std::string_view> names);
// Every field but these is refused by name.
void allow_fields(const JsonValue& object, std::initializer_list<std::string_view> names);

// The model that the body names in `model`, if it names one.
void choose_model(Call& call);

// Throws ApiError empty or too_large for a number of texts that a request may not have.
void require_count(const Call& call, std::size_t count, std::string_view field);

}  // namespace sapwood::serve
