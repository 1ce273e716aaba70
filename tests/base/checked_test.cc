// Sizes that come from files: every sum and product of them is checked.
#include "base/checked.h"

#include <limits>
#include <type_traits>
#include <vector>

#include "catch.h"

using namespace sapwood;

namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

constexpr Size size(std::int64_t value) { return *Size::of(value); }

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <typename A, typename B>
concept Multipliable = requires(A a, B b) {
  a* b;
};
template <typename A, typename B>
concept Subtractable = requires(A a, B b) {
  a - b;
};

}  // namespace

TEST_CASE("checked: an unchecked sum of sizes does not compile") {
  STATIC_REQUIRE(!Addable<Size, Size>);
  STATIC_REQUIRE(!Addable<Size, int>);
  STATIC_REQUIRE(!Subtractable<Size, Size>);
  STATIC_REQUIRE(!Multipliable<Size, Size>);
  STATIC_REQUIRE(!Multipliable<Size, std::int64_t>);
  STATIC_REQUIRE(!std::is_convertible_v<Size, std::int64_t>);
  STATIC_REQUIRE(!std::is_convertible_v<std::int64_t, Size>);
}

TEST_CASE("checked: which numbers are sizes") {
  CHECK(Size::of(7U)->get() == 7);
  CHECK(Size::of(kMax)->get() == kMax);
  CHECK_FALSE(Size::of(-1).has_value());
  CHECK_FALSE(Size::of(1ULL << 63).has_value());
  CHECK(Size() == 0);
  CHECK(size(2) < size(3));
  CHECK(size(2) > 1);
}

TEST_CASE("checked: sums, products and alignment refuse to wrap") {
  CHECK(checked_add(size(kMax - 1), size(1)) == size(kMax));
  CHECK_FALSE(checked_add(size(kMax), size(1)).has_value());
  CHECK(checked_mul(size(kMax / 3), size(3)) == size(kMax / 3 * 3));
  CHECK_FALSE(checked_mul(size(kMax / 3 + 1), size(3)).has_value());
  CHECK(align_up(size(0), 64) == size(0));
  CHECK(align_up(size(1), 64) == size(64));
  CHECK(align_up(size(64), 64) == size(64));
  CHECK(align_up(size(10), 3) == size(12));
  CHECK_FALSE(align_up(size(kMax - 10), 64).has_value());
  CHECK_FALSE(align_up(size(1), 0).has_value());
}

TEST_CASE("hostile 10: the elements of a shape refuse to wrap") {
  using Shape = std::vector<std::int64_t>;
  CHECK(checked_product(Shape{}) == size(1));
  CHECK(checked_product(Shape{2, 3, 4}) == size(24));
  CHECK(checked_product(Shape{kMax, kMax, 0}) == size(0));
  CHECK_FALSE(checked_product(Shape{kMax, 2}).has_value());
  CHECK_FALSE(checked_product(Shape{4194305, 4194305, 211106198978564}).has_value());
  CHECK_FALSE(checked_product(Shape{0, -1}).has_value());
  CHECK(checked_product(std::vector<Size>{}) == size(1));
  CHECK(checked_product(std::vector{size(kMax), size(kMax), size(0)}) == size(0));
  CHECK_FALSE(checked_product(std::vector{size(kMax), size(2)}).has_value());
}
