// The one place that knows every key of a tokenizer's files. tokenizer/KEYS.md is the same for people; a test compares them.
#pragma once

#include <span>
#include <string_view>

#include "base/json.h"
#include "base/notices.h"

namespace sapwood {

enum class KeyUse {
  honoured,  // read, and done
  harmless,  // passed over, because it changes nothing here
};

struct KnownKey {
  std::string_view key;
  KeyUse use;
  std::string_view what;  // what is done, or why nothing needs to be
};

std::span<const KnownKey> tokenizer_config_keys() noexcept;
std::span<const KnownKey> special_tokens_map_keys() noexcept;
// Members of tokenizer.json's root, and those that its components and its model may have.
std::span<const std::string_view> tokenizer_json_keys() noexcept;
std::span<const std::string_view> component_keys() noexcept;

// One notice for the keys of a file that are in no list.
void tell_unknown_keys(const JsonValue& root, std::span<const KnownKey> known, Notices& notices);
void tell_unknown_json_keys(const JsonValue& tokenizer_json, Notices& notices);

}  // namespace sapwood
