#include "kserve_tensors.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <span>

#include "base/json_writer.h"
#include "base/quote.h"
#include "compute.h"
#include "routes.h"
#include "sapwood/utf8.h"

namespace sapwood::serve {
namespace {

// The number of a tensor's texts: its shape is [n] or [n, 1].
std::size_t rows_of(const JsonValue& tensor) {
  const JsonValue shape = tensor.at("shape");
  const std::vector<JsonValue> sizes = shape.items();
  const bool fits = sizes.size() == 1 || (sizes.size() == 2 && sizes[1].integer(0, INT32_MAX) == 1);
  if (!fits) shape.expected("[texts] or [texts, 1]");
  return static_cast<std::size_t>(sizes[0].integer(0, INT32_MAX));
}

// The strings of nested lists, from left to right.
void flatten(const JsonValue& value, std::vector<std::string_view>& texts) {
  for (const JsonValue element : value.elements()) {
    if (element.is_array()) {
      flatten(element, texts);
    } else {
      texts.push_back(element.string());
    }
  }
}

[[noreturn]] void fail_bytes(const JsonValue& tensor, const std::string& why) {
  throw ApiError(Problem::malformed, tensor.path() + ": binary data: " + why);
}

// Strings with their lengths before them, 4 bytes each, least significant first.
std::vector<std::string_view> texts_of_bytes(const JsonValue& tensor, std::string_view bytes) {
  std::vector<std::string_view> texts;
  while (!bytes.empty()) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) fail_bytes(tensor, "a length is cut short");
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    if (size > bytes.size()) {
      fail_bytes(tensor, "a text of " + std::to_string(size) + " bytes is said to follow, found " +
                             std::to_string(bytes.size()));
    }
    texts.push_back(bytes.substr(0, size));
    utf8::require_valid(texts.back());
    bytes.remove_prefix(size);
  }
  return texts;
}

std::vector<std::string_view> texts_of(const JsonValue& tensor, std::string_view& behind) {
  if (const std::string_view type = tensor.string("datatype"); type != "BYTES") {
    tensor.at("datatype").expected("\"BYTES\", as texts have it");
  }
  const std::size_t rows = rows_of(tensor);
  const bool parameters = tensor.has("parameters");
  std::vector<std::string_view> texts;
  if (parameters && tensor.object("parameters").has("binary_data_size")) {
    const auto size = static_cast<std::size_t>(
        tensor.object("parameters").integer("binary_data_size", 0, INT32_MAX));
    if (size > behind.size()) {
      fail_bytes(tensor, "binary_data_size is " + std::to_string(size) + ", found " +
                             std::to_string(behind.size()) + " bytes in the body");
    }
    texts = texts_of_bytes(tensor, behind.substr(0, size));
    behind.remove_prefix(size);
  } else {
    flatten(tensor.at("data"), texts);
  }
  if (texts.size() != rows) {
    tensor.fail_at(
        "shape", "says " + std::to_string(rows) + " texts, found " + std::to_string(texts.size()));
  }
  return texts;
}

std::string joined_names(const TensorNames& names) {
  std::string text;
  for (const std::string_view name : names.inputs) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text;
}

bool asks_for_bytes(const JsonValue& object, std::string_view name, bool fallback) {
  if (!object.has("parameters")) return fallback;
  return object.object("parameters").boolean(name, fallback);
}

std::string bytes_of(const OutputTensor& output, bool numbers) {
  std::string bytes;
  const auto append = [&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
  };
  if (numbers) append(output.numbers.data(), output.numbers.size() * sizeof(float));
  for (const std::string& text : output.texts) {
    const auto size = static_cast<std::uint32_t>(text.size());
    append(&size, sizeof size);
    bytes += text;
  }
  return bytes;
}

}  // namespace

std::string take_json(Call& call) {
  const std::string& body = call.request().body;
  const std::string* const size =
      find_header(call.request().headers, "inference-header-content-length");
  if (size == nullptr || call.route->family != Family::kserve) return body;
  std::size_t length = 0;
  const char* const end = size->data() + size->size();
  const auto [stop, error] = std::from_chars(size->data(), end, length);
  if (error != std::errc() || stop != end || length > body.size()) {
    throw ApiError(Problem::malformed,
                   "Inference-Header-Content-Length: expected a number of at most the body's " +
                       std::to_string(body.size()) + " bytes, found " + quote(*size));
  }
  call.tensors = std::string_view(body).substr(length);
  return body.substr(0, length);
}

TensorNames tensor_names(const ServedModel& served) {
  const ModelConfig& config = served.model.config();
  switch (served.kind) {
    case ModelKind::embedder:
      return {.inputs = {"text"}, .output = "embedding", .columns = embedding_size(served.model)};
    case ModelKind::classifier:
    case ModelKind::cross_encoder:
      return {.inputs = {"text", "text_pair"},
              .output = "logits",
              .columns = static_cast<int>(config.labels.size())};
    case ModelKind::question_answering:
      return {.inputs = {"question", "context"}, .all = true, .output = "result", .numbers = false};
    case ModelKind::token_classifier:
    case ModelKind::fill_mask:
      break;
  }
  return {.inputs = {"text"}, .output = "result", .numbers = false};
}

std::vector<std::vector<std::string_view>> read_text_tensors(const Call& call,
                                                             const TensorNames& names) {
  const std::vector<JsonValue> tensors = call.root().at("inputs").items();
  std::vector<std::vector<std::string_view>> texts(names.inputs.size());
  std::vector<bool> there(names.inputs.size());
  std::string_view behind = call.tensors;
  for (const JsonValue& tensor : tensors) {
    const auto at = std::find(names.inputs.begin(), names.inputs.end(), tensor.string("name"));
    if (at == names.inputs.end()) {
      tensor.at("name").expected("one of the inputs of this model: " + joined_names(names));
    }
    const auto index = static_cast<std::size_t>(at - names.inputs.begin());
    if (there[index]) tensor.fail("this input is given twice");
    there[index] = true;
    texts[index] = texts_of(tensor, behind);
  }
  if (!behind.empty()) {
    throw ApiError(Problem::malformed, "body: " + std::to_string(behind.size()) +
                                           " bytes are left behind the last tensor");
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!there[i] && (i == 0 || names.all)) {
      call.root().fail_at("inputs", "lacks the input " + quote(names.inputs[i]));
    }
    if (there[i] && texts[i].size() != texts[0].size()) {
      call.root().fail_at("inputs", "expected as many texts in every input");
    }
  }
  require_count(call, texts[0].size(), "inputs");
  return texts;
}

bool wants_bytes(const JsonValue& root, const TensorNames& names) {
  bool bytes = asks_for_bytes(root, "binary_data_output", false);
  if (!root.has("outputs")) return bytes;
  for (const JsonValue output : root.at("outputs").elements()) {
    if (output.string("name") != names.output) {
      output.at("name").expected("the output of this model: " + std::string(names.output));
    }
    if (output.has("parameters")) refuse_fields(output.object("parameters"), {"classification"});
    bytes = asks_for_bytes(output, "binary_data", bytes);
  }
  return bytes;
}

HttpResponse kserve_response(const Call& call, const TensorNames& names, const OutputTensor& output,
                             bool bytes) {
  const JsonValue root = call.root();
  const std::string data = bytes ? bytes_of(output, names.numbers) : "";
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().member("model_name", call.model->name()).member("model_version", "1");
  if (root.has("id")) writer.member("id", root.string("id"));
  writer.key("outputs").begin_array().begin_object().member("name", names.output);
  writer.member("datatype", names.numbers ? "FP32" : "BYTES").key("shape").begin_array();
  writer.value(static_cast<std::int64_t>(output.rows));
  if (names.numbers) writer.value(names.columns);
  writer.end();
  if (bytes) {
    writer.key("parameters").begin_object();
    writer.member("binary_data_size", static_cast<std::int64_t>(data.size())).end();
  } else if (names.numbers) {
    writer.member("data", std::span<const float>(output.numbers));
  } else {
    writer.member("data", output.texts);
  }
  writer.end().end().end();
  HttpResponse response = json_response(std::move(body));
  if (bytes) {
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("inference-header-content-length",
                                  std::to_string(response.body.size()));
    response.body += data;
  }
  return response;
}

}  // namespace sapwood::serve
