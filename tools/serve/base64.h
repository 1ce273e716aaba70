#pragma once

#include <span>
#include <string>

namespace sapwood::serve {

// Appends the numbers' bytes (little-endian float32) as base64 with padding (RFC 4648, section 4).
void append_base64(std::string& out, std::span<const float> numbers);

}  // namespace sapwood::serve
