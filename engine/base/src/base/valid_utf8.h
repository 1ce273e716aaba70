// Whether text is UTF-8, by the library that reads JSON: as fast as memory, but without saying where it is not.
#pragma once

#include <string_view>

namespace sapwood {

bool valid_utf8(std::string_view text) noexcept;

}  // namespace sapwood
