#include "base/hash.h"

#include <chrono>
#include <exception>
#include <random>

namespace sapwood {

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    try {
      std::random_device device;
      return std::uint64_t{device()} << 32 | device();
    } catch (const std::exception&) {  // no source of randomness: the clock is better than nothing
      const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
      return seeded_hash({}, static_cast<std::uint64_t>(now));
    }
  }();
  return seed;
}

}  // namespace sapwood
