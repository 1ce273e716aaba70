// Text compared without regard to case.
#pragma once

#include <string>
#include <string_view>

namespace sapwood::tasks {

// Equal for two texts where Python's str.lower() gives equal ones: every code point's lowercase,
// and one form of sigma for both that str.lower() chooses from by position. `text` is valid UTF-8.
std::string lowercase_key(std::string_view text);

}  // namespace sapwood::tasks
