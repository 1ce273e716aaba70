// Text from outside (files, names, requests) made safe to show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sapwood {

// What becomes of "\n".
enum class LineEnds { escaped, kept };

// The text as valid UTF-8 that cannot confuse a terminal, a log or a reader: control characters
// (C0, DEL, C1), characters that turn the direction of writing, line and paragraph separators, and
// bytes that are not UTF-8 become \n, \t or \xNN (of each byte). Text that would be longer than
// `max_bytes` is cut between characters and ends with "...".
std::string printable(std::string_view text, std::size_t max_bytes,
                      LineEnds line_ends = LineEnds::escaped);

// 'text' for a message: printable, and at most 200 characters of it.
std::string quote(std::string_view text);

}  // namespace sapwood
