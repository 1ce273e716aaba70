// What stands before an answer's body.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http.h"

namespace sapwood::serve {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::time_t time);

// Whether answers of this status have neither a body nor its length.
constexpr bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

// Appends status line and headers, to the empty line. `closes`: the connection ends with this answer. Control
// characters in headers, which could begin another header, become spaces.
void append_head(std::string& out, const HttpResponse& response, std::string_view date,
                 bool closes);

}  // namespace sapwood::serve
