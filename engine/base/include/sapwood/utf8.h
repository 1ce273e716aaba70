// UTF-8 helpers: checking, counting, and slicing by code points.
//
// The project's one rule for text that is not UTF-8 (a stray or missing continuation byte, an
// overlong form, a surrogate, a value above U+10FFFF, a sequence cut short): it is rejected with
// ErrorCode::invalid_utf8, naming the byte offset. Nothing is replaced or skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sapwood/export.h"

namespace sapwood::utf8 {

inline constexpr std::size_t kValid = static_cast<std::size_t>(-1);

// Byte offset of the first sequence that is not valid UTF-8, or kValid.
SAPWOOD_API std::size_t find_invalid(std::string_view text) noexcept;

inline bool is_valid(std::string_view text) noexcept { return find_invalid(text) == kValid; }

// Throws Error invalid_utf8 naming `what` (e.g. "text") and the byte offset.
SAPWOOD_API void require_valid(std::string_view text, std::string_view what = "text");

// Bytes of the valid sequence that `text` begins with; 0 where it begins with none.
SAPWOOD_API std::size_t sequence_length(std::string_view text) noexcept;

// The functions below expect valid UTF-8.

// The first code point of a text that is not empty.
SAPWOOD_API char32_t decode(std::string_view text) noexcept;

// Number of code points.
SAPWOOD_API std::size_t count(std::string_view text) noexcept;

// Byte offset of code point number `code_point`; text.size() where there are not that many.
SAPWOOD_API std::size_t byte_offset(std::string_view text, std::size_t code_point) noexcept;

// The code points [start, end), clamped to the text: what Python's text[start:end] gives.
SAPWOOD_API std::string_view slice(std::string_view text, std::size_t start,
                                   std::size_t end) noexcept;

// Appends one scalar value.
SAPWOOD_API void append(std::string& out, char32_t scalar);

}  // namespace sapwood::utf8
