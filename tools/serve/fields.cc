#include "fields.h"

#include <algorithm>

#include "base/quote.h"

namespace sapwood::serve {
namespace {

constexpr std::string_view kByteOrderMarkBytes = "\xEF\xBB\xBF";
constexpr std::uint32_t kMostValues = 1 << 20;

bool begins_with_number(const JsonValue& list) {
  for (const JsonValue element : list.elements()) return element.is_number();
  return false;
}

std::vector<std::int32_t> ids_of(const JsonValue& list, const Model& model) {
  const int vocabulary = model.tokenizer().vocab_size();
  std::vector<std::int32_t> ids;
  for (const JsonValue element : list.elements()) {
    const std::int64_t id = element.integer(0, INT32_MAX);
    if (id >= vocabulary) {
      throw ApiError(Problem::tokenizer,
                     element.path() + ": the model's vocabulary has " + std::to_string(vocabulary) +
                         " tokens, found the token id " + std::to_string(id) +
                         ": ids of another tokenizer are no text of this model's. Send the text "
                         "itself (LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))");
    }
    ids.push_back(static_cast<std::int32_t>(id));
  }
  if (ids.empty()) throw ApiError(Problem::empty, list.path() + ": the list of ids is empty");
  return ids;
}

InputText sequence_of(const JsonValue& list) {
  const std::vector<std::string_view> texts = read_strings(list);
  if (texts.empty() || texts.size() > 2) list.expected("a list of one text or two");
  InputText item{texts[0]};
  if (texts.size() == 2) item.pair = texts[1];
  return item;
}

}  // namespace

JsonDocument read_json(std::string text) {
  if (std::string_view(text).starts_with(kByteOrderMarkBytes)) {
    throw ApiError(Problem::malformed,
                   "body: begins with a byte order mark: send UTF-8 without one");
  }
  try {
    JsonDocument document = JsonDocument::parse(
        std::move(text), "body", {.doubled_keys = DoubledKeys::error, .values = kMostValues});
    document.root().members();
    return document;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) throw;
    throw ApiError(Problem::malformed, error.what());
  }
}

Inputs read_inputs(const JsonValue& value, const Model& model) {
  Inputs inputs;
  if (value.is_string()) {
    inputs.items.push_back({value.string()});
    return inputs;
  }
  if (!value.is_array()) value.expected("a string, a list of strings or token ids");
  if (begins_with_number(value)) {
    inputs.items.push_back({.ids = ids_of(value, model)});
    return inputs;
  }
  inputs.list = true;
  for (const JsonValue element : value.elements()) {
    if (element.is_array()) {
      inputs.items.push_back({.ids = ids_of(element, model)});
    } else {
      inputs.items.push_back({element.string()});
    }
  }
  return inputs;
}

Inputs read_texts(const JsonValue& value) {
  if (value.is_string()) return {{{value.string()}}, false};
  if (!value.is_array()) value.expected("a string or a list of strings");
  Inputs inputs{{}, true};
  for (const std::string_view text : read_strings(value)) inputs.items.push_back({text});
  return inputs;
}

Inputs read_sequences(const JsonValue& value) {
  if (value.is_string()) return {{{value.string()}}, false};
  if (!value.is_array()) value.expected("a string, a pair of strings or a list of such lists");
  for (const JsonValue first : value.elements()) {
    if (first.is_string()) return {{sequence_of(value)}, false};
    break;
  }
  Inputs inputs{{}, true};
  for (const JsonValue element : value.elements()) inputs.items.push_back(sequence_of(element));
  return inputs;
}

std::vector<std::vector<std::int32_t>> read_ids(const JsonValue& value, const Model& model,
                                                bool& list) {
  list = false;
  if (begins_with_number(value)) return {ids_of(value, model)};
  list = true;
  std::vector<std::vector<std::int32_t>> all;
  for (const JsonValue element : value.elements()) all.push_back(ids_of(element, model));
  return all;
}

std::vector<std::string_view> read_strings(const JsonValue& value, bool objects) {
  std::vector<std::string_view> texts;
  for (const JsonValue element : value.elements()) {
    texts.push_back(objects && element.is_object() ? element.string("text") : element.string());
  }
  return texts;
}

LengthOptions length_options(bool truncate, std::optional<Direction> direction) {
  LengthOptions length;
  length.truncation = truncate ? Truncation::longest_first : Truncation::none;
  length.direction = direction;
  return length;
}

LengthOptions read_length(const JsonValue& object, bool truncate_unless_said) {
  const bool truncate = object.boolean("truncate", truncate_unless_said);
  if (!object.has("truncation_direction")) return length_options(truncate);
  const std::string_view side = object.string("truncation_direction");
  const bool left = side == "left" || side == "Left";
  if (!left && side != "right" && side != "Right") {
    object.at("truncation_direction").expected("\"left\" or \"right\"");
  }
  return length_options(truncate, left ? Direction::left : Direction::right);
}

void refuse_fields(const JsonValue& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (object.has(name)) object.fail_at(name, "this is not supported here: leave it out");
  }
}

void allow_fields(const JsonValue& object, std::initializer_list<std::string_view> names) {
  for (const JsonValue member : object.members()) {
    if (std::find(names.begin(), names.end(), member.key()) == names.end() && !member.is_null()) {
      member.fail("no such field is known here: leave it out");
    }
  }
}

void choose_model(Call& call) {
  const JsonValue root = call.root();
  const std::string_view name = root.string("model", "");
  if (!name.empty()) call.model = call.models->at(name);
}

void require_count(const Call& call, std::size_t count, std::string_view field) {
  if (count == 0) throw ApiError(Problem::empty, "`" + std::string(field) + "` cannot be empty");
  const auto most = static_cast<std::size_t>(call.options.max_client_batch_size);
  if (count > most) {
    throw ApiError(Problem::too_large, "batch size " + std::to_string(count) +
                                           " > maximum allowed batch size " + std::to_string(most) +
                                           ": send fewer texts in a request");
  }
}

}  // namespace sapwood::serve
