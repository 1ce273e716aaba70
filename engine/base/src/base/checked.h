// The one set of overflow-checked size arithmetic. Loaders and writers use nothing else for numbers
// that come from a file: a sum checked in one place and forgotten in the next is how format readers
// are broken.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace sapwood {

// A count or a number of bytes that a file states: 0 to 2^63-1. It has no arithmetic, so that a sum
// or a product of such numbers compiles only through the functions below, which check it.
class Size {
 public:
  constexpr Size() = default;

  // Nothing for a negative number and for one that does not fit.
  template <std::integral T>
  static constexpr std::optional<Size> of(T value) noexcept {
    if constexpr (std::is_signed_v<T>) {
      if (value < 0) return std::nullopt;
    }
    if (static_cast<std::uint64_t>(value) > std::numeric_limits<std::int64_t>::max()) {
      return std::nullopt;
    }
    return Size(static_cast<std::int64_t>(value));
  }

  // For what was compared with the file's own length, and for messages.
  constexpr std::int64_t get() const noexcept { return value_; }

  constexpr auto operator<=>(const Size&) const = default;
  constexpr bool operator==(const Size&) const = default;
  constexpr bool operator==(std::int64_t value) const noexcept { return value_ == value; }
  constexpr std::strong_ordering operator<=>(std::int64_t value) const noexcept {
    return value_ <=> value;
  }

 private:
  explicit constexpr Size(std::int64_t value) noexcept : value_(value) {}
  std::int64_t value_ = 0;
};

constexpr std::optional<Size> checked_add(Size a, Size b) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.get(), b.get(), &sum)) return std::nullopt;
  return Size::of(sum);
}

constexpr std::optional<Size> checked_mul(Size a, Size b) noexcept {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a.get(), b.get(), &product)) return std::nullopt;
  return Size::of(product);
}

// The least multiple of `alignment` (any positive number) that is at least `value`.
constexpr std::optional<Size> align_up(Size value, std::int64_t alignment) noexcept {
  if (alignment <= 0) return std::nullopt;
  const std::int64_t rest = value.get() % alignment;
  if (rest == 0) return value;
  return checked_add(value, *Size::of(alignment - rest));
}

// The number of elements of a shape: 1 for rank 0, and 0 as soon as one dimension is 0, whatever
// the others are (no order of multiplication can make a zero-size shape overflow).
constexpr std::optional<Size> checked_product(std::span<const Size> shape) noexcept {
  for (const Size dimension : shape) {
    if (dimension == 0) return Size();
  }
  std::optional<Size> product = Size::of(1);
  for (const Size dimension : shape) {
    if (product) product = checked_mul(*product, dimension);
  }
  return product;
}

// The same of a shape that is not from a file, or was checked. Nothing for a negative dimension.
constexpr std::optional<Size> checked_product(std::span<const std::int64_t> shape) noexcept {
  bool has_zero = false;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    has_zero = has_zero || dimension == 0;
  }
  if (has_zero) return Size();
  std::optional<Size> product = Size::of(1);
  for (const std::int64_t dimension : shape) {
    if (product) product = checked_mul(*product, *Size::of(dimension));
  }
  return product;
}

}  // namespace sapwood
