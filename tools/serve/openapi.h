#pragma once

#include <string_view>

namespace sapwood::serve {

// openapi.json of this folder: what all routes take and give.
std::string_view openapi_json();

}  // namespace sapwood::serve
