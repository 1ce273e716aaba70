#include "config/fields.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/quote.h"
#include "config/harmless_keys.h"

namespace sapwood {
namespace {

// null, {} and [] ask for nothing ("pruned_heads": {}).
bool says_nothing(const JsonValue& value) {
  return value.is_null() || ((value.is_object() || value.is_array()) && value.size() == 0);
}

bool contains(std::span<const std::string_view> keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_harmless(std::string_view key) {
  const auto all = harmless_keys();
  return std::any_of(all.begin(), all.end(),
                     [&](const HarmlessKeys& group) { return contains(group.keys, key); });
}

}  // namespace

ConfigFields::ConfigFields(const JsonValue& root)
    : ConfigFields(root, "", std::make_shared<Keys>()) {}

ConfigFields::ConfigFields(const JsonValue& value, std::string prefix, std::shared_ptr<Keys> read)
    : value_(value), prefix_(std::move(prefix)), read_(std::move(read)) {}

void ConfigFields::note(std::string_view key) const { read_->insert(prefix_ + std::string(key)); }

bool ConfigFields::has(std::string_view key) const {
  note(key);
  return value_.has(key);
}

bool ConfigFields::has_null(std::string_view key) const {
  note(key);
  const auto found = value_.find(key);
  return found && found->is_null();
}

// Of a number or a function null is no way to ask for the usual one: transformers refuses it.
void ConfigFields::refuse_null(std::string_view key, const char* expected) const {
  if (has_null(key)) value_.at(key).expected(expected + std::string(", or no such member"));
}

JsonValue ConfigFields::at(std::string_view key) const {
  note(key);
  return value_.at(key);
}

std::string_view ConfigFields::string(std::string_view key) const {
  note(key);
  return value_.string(key);
}

std::string_view ConfigFields::string(std::string_view key, std::string_view fallback) const {
  note(key);
  return value_.string(key, fallback);
}

bool ConfigFields::boolean(std::string_view key, bool fallback) const {
  if (fallback) refuse_null(key, "true or false");  // Python takes null for false
  note(key);
  return value_.boolean(key, fallback);
}

int ConfigFields::integer(std::string_view key, int low, int high) const {
  note(key);
  return value_.integer(key, low, high);
}

int ConfigFields::integer(std::string_view key, int low, int high, int fallback) const {
  refuse_null(key, "a whole number");
  return value_.integer(key, low, high, fallback);
}

float ConfigFields::epsilon(std::string_view key, float fallback) const {
  refuse_null(key, "a number");
  if (!has(key)) return fallback;
  const JsonValue value = value_.at(key);
  const double number = value.is_number() ? value.number() : 0;
  if (!(number > 1e-30 && number < 1)) {
    value.expected("a number greater than 0 and less than 1");
  }
  return static_cast<float>(number);
}

Activation ConfigFields::activation(std::string_view key, std::string_view fallback) const {
  static const std::map<std::string_view, Activation> kinds = {
      // The names of transformers' ACT2FN.
      {"gelu", Activation::gelu},
      {"gelu_python", Activation::gelu},
      {"gelu_10", Activation::gelu_10},
      {"gelu_new", Activation::gelu_tanh},
      {"gelu_fast", Activation::gelu_tanh},
      {"gelu_accurate", Activation::gelu_tanh},
      {"gelu_python_tanh", Activation::gelu_tanh},
      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"quick_gelu", Activation::quick_gelu},
      {"relu", Activation::relu},
      {"tanh", Activation::tanh},
      {"silu", Activation::silu},
      {"swish", Activation::silu},
      {"linear", Activation::none},
      // The names of PyTorch's modules.
      {"GELU", Activation::gelu},
      {"ReLU", Activation::relu},
      {"Tanh", Activation::tanh}};
  refuse_null(key, "the name of an activation");
  const std::string_view name = string(key, fallback);
  const auto it = kinds.find(name);
  if (it == kinds.end()) {
    fail_at(key,
            "activation " + quote(name) +
                " is not supported; gelu, gelu_new, gelu_10, quick_gelu, relu, tanh, silu and "
                "linear are",
            ErrorCode::unsupported);
  }
  return it->second;
}

ConfigFields ConfigFields::object(std::string_view key) const {
  note(key);
  return {value_.object(key), prefix_ + std::string(key) + ".", read_};
}

void ConfigFields::refuse_if(bool condition, std::string_view key, const std::string& why) const {
  if (condition) fail_at(key, why, ErrorCode::unsupported);
}

void ConfigFields::fail_at(std::string_view key, const std::string& problem, ErrorCode code) const {
  value_.fail_at(key, problem, code);
}

std::vector<std::string> ConfigFields::unknown(std::span<const std::string_view> harmless) const {
  std::vector<std::string> keys;
  add_unknown(value_, prefix_, harmless, keys);
  return keys;
}

void ConfigFields::add_unknown(const JsonValue& object, const std::string& prefix,
                               std::span<const std::string_view> harmless,
                               std::vector<std::string>& unknown) const {
  for (const JsonValue member : object.members()) {
    const std::string key = prefix + std::string(member.key());
    if (contains(harmless, key) || is_harmless(key) || says_nothing(member)) continue;
    if (!read_->contains(key)) {
      unknown.push_back(key);
    } else if (member.is_object() && read_->lower_bound(key + ".") != read_->end() &&
               read_->lower_bound(key + ".")->starts_with(key + ".")) {
      add_unknown(member, key + ".", harmless, unknown);
    }
  }
}

void parse_feed_forward(const ConfigFields& fields, ModelConfig& config) {
  if (!fields.has("feed_forward")) return;
  const ConfigFields ff = fields.object("feed_forward");
  const std::string_view type = ff.string("type");
  if (type == "dense") return;
  if (type != "fff") {
    ff.fail_at("type", "expected 'fff' or 'dense', found " + quote(type), ErrorCode::unsupported);
  }
  ff.refuse_if(ff.has("leaf_width"), "leaf_width", "leaves with a width are not supported");
  config.feed_forward.kind = FeedForwardKind::fff;
  config.feed_forward.depth = ff.integer("depth", 0, kMaxDepth);
  config.feed_forward.trees = ff.integer("trees", 1, kMaxTrees, 1);
  config.feed_forward.dense_width = ff.integer("dense_width", 0, kMaxWidth, 0);
}

double ConfigFields::positive(std::string_view key, double most, double fallback) const {
  if (!has(key)) return fallback;
  const JsonValue value = value_.at(key);
  const double number = value.is_number() ? value.number() : 0;
  if (!(number >= 1 && number <= most)) {
    value.expected("a number from 1 to " + std::to_string(static_cast<std::int64_t>(most)));
  }
  return number;
}

void check_heads(const ConfigFields& fields, std::string_view key, const ModelConfig& config) {
  if (config.hidden % config.heads == 0) return;
  fields.fail_at(key,
                 std::to_string(config.heads) + " heads do not divide a hidden size of " +
                     std::to_string(config.hidden),
                 ErrorCode::mismatch);
}

}  // namespace sapwood
