// What a request's head must be before its body is read: pure functions of its headers and its target, without
// sockets and without a parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http.h"

namespace sapwood::serve {

struct Refusal {
  int status;
  std::string message;
};

// How a request's body is delimited, and what its sender expects besides an answer.
struct Framing {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool expects_continue = false;  // the client waits for leave to send its body
  bool keep_alive = false;        // it may send another request afterwards

  bool has_body() const { return chunked || length.value_or(0) > 0; }
};

// Fills `framing` from the headers of `head`, or says why the request is refused. `minor`: of the version, 0 or 1.
std::optional<Refusal> read_framing(const HttpRequest& head, int minor, Framing& framing);

// Fills path and query of `request`, whose method is known, from the target as it was sent: "/path?query",
// "http://host/path?query", or "*" of OPTIONS.
std::optional<Refusal> read_target(std::string_view target, HttpRequest& request);

// Fills method and path of `request` from the beginning of a head that is not whole, or not as it should be, where its first
// line has them: for the format of the answer that refuses it.
void guess_target(std::string_view head, HttpRequest& request);

}  // namespace sapwood::serve
