#include "tokenizer_config.h"

#include <cmath>

namespace sapwood {
namespace {

// A role's token: a string, or an object with "content".
std::optional<std::string> role(const JsonValue& config, const char* key) {
  const auto value = config.find(key);
  if (!value) return std::nullopt;
  if (value->is_string()) return std::string(value->string());
  const auto content = value->find("content");
  if (!content || !content->is_string()) return std::nullopt;
  return std::string(content->string());
}

void fill(std::optional<std::string>& slot, std::optional<std::string> value) {
  if (!slot) slot = std::move(value);
}

void fill(std::optional<bool>& slot, const JsonValue& config, const char* key) {
  if (slot || !config.has(key)) return;
  const JsonValue value = config.at(key);
  if (!value.is_boolean()) value.expected("true, false or null");
  slot = value.boolean();
}

}  // namespace

void TokenizerConfig::read(const JsonValue& config) {
  if (!config.is_object()) config.expected("an object");
  fill(cls, role(config, "cls_token"));
  fill(sep, role(config, "sep_token"));
  fill(mask, role(config, "mask_token"));
  fill(pad, role(config, "pad_token"));
  fill(unk, role(config, "unk_token"));
  fill(lowercase, config, "do_lower_case");
  fill(strip_accents, config, "strip_accents");
  fill(tokenize_chinese_chars, config, "tokenize_chinese_chars");
  fill(clean_up_tokenization_spaces, config, "clean_up_tokenization_spaces");
  // Transformers writes int(1e30) for "no limit": not a limit, whichever way JSON spells it.
  const auto length = config.find("model_max_length");
  if (!model_max_length && length && length->is_number()) {
    const double value = length->number();
    if (value >= 1 && value <= 1e9 && std::floor(value) == value) {
      model_max_length = static_cast<int>(value);
    }
  }
}

}  // namespace sapwood
