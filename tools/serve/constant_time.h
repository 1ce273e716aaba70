// Comparing secrets.
#pragma once

#include <string_view>

namespace sapwood::serve {

// The time that this takes tells the lengths, and nothing of where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace sapwood::serve
