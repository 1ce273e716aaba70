// Hashing of strings that come from files and texts: seeded, so that nobody can choose strings that
// fall together and make a table slow.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/wraps.h"

namespace sapwood {

// A random number, one for the whole process. Results never depend on it, only the places in
// tables.
std::uint64_t hash_seed();

SAPWOOD_WRAPS inline std::uint64_t seeded_hash(std::string_view text, std::uint64_t seed) noexcept {
  const std::uint64_t factor = seed | 1;
  std::uint64_t hash = ~seed ^ text.size();
  const auto mix = [&](std::uint64_t word) SAPWOOD_WRAPS {
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
  };
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    mix(word);
    text.remove_prefix(sizeof word);
  }
  std::uint64_t rest = 0;
  for (const char c : text) rest = rest << 8 | static_cast<unsigned char>(c);
  mix(rest);
  mix(0x9e3779b97f4a7c15u);
  return hash;
}

}  // namespace sapwood
