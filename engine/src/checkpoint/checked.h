// The one set of overflow-checked size arithmetic. Loaders and writers use nothing else for numbers
// that come from a file: a sum checked in one place and forgotten in the next is how format readers
// are broken.
//
// Sizes are std::int64_t and never negative; every function gives nullopt for a negative operand
// and for a result that does not fit.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace sapwood {

constexpr std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

constexpr std::optional<std::int64_t> checked_mul(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

// The least multiple of `alignment` (any positive number) that is at least `value`.
constexpr std::optional<std::int64_t> align_up(std::int64_t value,
                                               std::int64_t alignment) noexcept {
  if (value < 0 || alignment <= 0) return std::nullopt;
  const std::int64_t rest = value % alignment;
  return rest == 0 ? std::optional(value) : checked_add(value, alignment - rest);
}

// The number of elements of a shape: 1 for rank 0, and 0 as soon as one dimension is 0, whatever
// the others are (no order of multiplication can make a zero-size shape overflow).
constexpr std::optional<std::int64_t> checked_product(
    std::span<const std::int64_t> shape) noexcept {
  bool has_zero = false;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    has_zero = has_zero || dimension == 0;
  }
  if (has_zero) return 0;
  std::int64_t product = 1;
  for (const std::int64_t dimension : shape) {
    if (__builtin_mul_overflow(product, dimension, &product)) return std::nullopt;
  }
  return product;
}

// An unsigned number of a file as a size.
constexpr std::optional<std::int64_t> checked_size(std::uint64_t value) noexcept {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace sapwood
