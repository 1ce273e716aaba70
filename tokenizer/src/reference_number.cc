#include "reference_number.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "base/json_writer.h"

namespace sapwood {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// 10^n for 0 <= n <= 308, each the nearest double.
double power_of_ten(int n) noexcept {
  static const struct Table {
    double values[309];
    Table() {
      char text[8];
      for (int i = 0; i < 309; ++i) {
        std::snprintf(text, sizeof text, "1e%d", i);
        values[i] = std::strtod(text, nullptr);
      }
    }
  } table;
  return table.values[n];
}

double from_parts(uint64_t digits, int64_t exponent) noexcept {
  auto value = static_cast<double>(digits);
  while (exponent < -308 && value != 0) {
    value /= 1e308;
    exponent += 308;
  }
  if (value == 0) return 0;
  if (exponent > 308) return kInfinity;
  return exponent >= 0 ? value * power_of_ten(static_cast<int>(exponent))
                       : value / power_of_ten(static_cast<int>(-exponent));
}

}  // namespace

double reference_number(std::string_view text) noexcept {
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  // Whether one more digit is too much; below the quotient, as nearly always, none is.
  const auto no_room = [](uint64_t digits, uint64_t digit) {
    return digits >= kMax / 10 && digits > (kMax - digit) / 10;
  };
  std::size_t at = 0;
  const bool negative = !text.empty() && text[0] == '-';
  at += negative;
  uint64_t digits = 0;
  int64_t exponent = 0;
  bool full = false;  // further digits are passed over
  for (; at < text.size() && is_digit(text[at]); ++at) {
    const auto digit = static_cast<uint64_t>(text[at] - '0');
    full = full || no_room(digits, digit);
    if (full) {
      ++exponent;
    } else {
      digits = digits * 10 + digit;
    }
  }
  if (at < text.size() && text[at] == '.') {
    // After too many digits before the point, those behind it are looked at again.
    full = false;
    for (++at; at < text.size() && is_digit(text[at]); ++at) {
      const auto digit = static_cast<uint64_t>(text[at] - '0');
      full = full || no_room(digits, digit);
      if (full) continue;
      digits = digits * 10 + digit;
      --exponent;
    }
  }
  if (at < text.size()) {  // e or E
    ++at;
    const bool down = at < text.size() && text[at] == '-';
    if (at < text.size() && !is_digit(text[at])) ++at;
    int64_t given = 0;
    for (; at < text.size() && given < 1'000'000'000; ++at) given = given * 10 + (text[at] - '0');
    exponent += down ? -given : given;
  }
  const double value = from_parts(digits, exponent);
  return negative ? -value : value;
}

std::string reference_number_text(double value) {
  std::string text;
  JsonWriter(text).value(value);
  if (reference_number(text) == value) return text;
  // Texts of neighbouring numbers are read as this one.
  char longer[64];
  for (const int digits : {17, 18, 19}) {
    std::snprintf(longer, sizeof longer, "%.*e", digits - 1, value);
    if (reference_number(longer) == value) return longer;
  }
  double below = value, above = value;
  for (int i = 0; i < 8; ++i) {
    below = std::nextafter(below, -kInfinity);
    above = std::nextafter(above, kInfinity);
    for (const double near : {below, above}) {
      std::snprintf(longer, sizeof longer, "%.16e", near);
      if (reference_number(longer) == value) return longer;
    }
  }
  return text;
}

}  // namespace sapwood
