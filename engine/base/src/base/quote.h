// Text from outside (files, names, options, requests) as it may be shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sapwood {

// What of a foreign text is shown, in characters; an escape is as many as it has.
inline constexpr std::size_t kShownCharacters = 200;

// One character as a terminal or a log may get it. Control characters, which could move the cursor
// or worse, the characters that turn the direction of writing or end lines, and bytes that are not
// UTF-8 are shown as \n, \t, \x1b or \u202e; everything else is left as it is.
struct ShownCharacter {
  char bytes[8];
  std::size_t size;      // of them
  std::size_t width;     // in characters
  std::size_t consumed;  // bytes of the text
};

// The first character of a text that is not empty. Allocates nothing.
ShownCharacter show_character(std::string_view text) noexcept;

// What becomes of "\n".
enum class LineEnds { escaped, kept };

// All characters so; where they come to more than `most`, the first of them and "...".
std::string printable(std::string_view text, std::size_t most = kShownCharacters,
                      LineEnds line_ends = LineEnds::escaped);

// 'text' for a message: printable, and no more than kShownCharacters of it.
std::string quote(std::string_view text);

}  // namespace sapwood
