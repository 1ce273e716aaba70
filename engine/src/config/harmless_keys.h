// Keys of config.json that change nothing here, whatever the family. engine/KEYS.md is the same for people; a test compares
// them. What a family has besides stands in its file.
#pragma once

#include <span>
#include <string_view>

namespace sapwood {

struct HarmlessKeys {
  std::string_view reason;
  std::span<const std::string_view> keys;
};

std::span<const HarmlessKeys> harmless_keys() noexcept;

}  // namespace sapwood
