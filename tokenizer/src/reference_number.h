// Numbers as the reference reads them from JSON.
#pragma once

#include <string>
#include <string_view>

namespace sapwood {

// The value that serde_json, without its feature float_roundtrip, gives for a number of JSON: the
// digits as a whole number of 64 bits, rounded to double, then multiplied or divided by a power of
// ten, rounded again. That may be a neighbour of the nearest double, and sums of such numbers then
// compare otherwise. Infinite where the reference refuses the number.
// Source: Deserializer::parse_decimal and f64_from_parts of serde_json 1.0.
double reference_number(std::string_view text) noexcept;

// A text from which reference_number gives `value`, which is finite.
std::string reference_number_text(double value);

}  // namespace sapwood
