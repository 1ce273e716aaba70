// One line of JSON for each request.
#pragma once

#include <string>

#include "call.h"

namespace sapwood::serve {

// `problem`: why it was not answered, or empty.
std::string log_line(const Call& call, int status, std::string_view problem,
                     std::chrono::nanoseconds total);
// Of a request that was refused by its head.
std::string log_line(const HttpRequest& head, std::string_view id, int status,
                     std::string_view problem);

}  // namespace sapwood::serve
