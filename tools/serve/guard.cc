#include "guard.h"

#include <charconv>

#include "ascii.h"
#include "base/quote.h"

namespace sapwood::serve {
namespace {

using Refused = std::optional<Refusal>;

std::size_t count_headers(const Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; }));
}

Refused check_host(const Headers& headers, int minor) {
  const std::size_t hosts = count_headers(headers, "host");
  if (hosts > 1 || (hosts == 0 && minor == 1)) {
    return Refusal{400, "expected exactly one Host header, found " + std::to_string(hosts)};
  }
  return {};
}

// Whoever stands before us may read a request that says two things of its length otherwise than we do, and another
// one's request then begins where it should not: such requests are refused, never mended.
Refused read_coding(const Headers& headers, int minor, Framing& framing) {
  const std::size_t codings = count_headers(headers, "transfer-encoding");
  if (codings == 0) return {};
  if (minor == 0)
    return Refusal{400, "Transfer-Encoding does not exist in HTTP/1.0: send HTTP/1.1"};
  if (codings > 1 || find_header(headers, "content-length") != nullptr) {
    return Refusal{400, "a body has one Transfer-Encoding or one Content-Length, not both"};
  }
  const std::string& value = *find_header(headers, "transfer-encoding");
  std::size_t chunked = 0, others = 0;
  for (std::string_view list = value; !list.empty();) {
    ++(same_word(cut_element(list), "chunked") ? chunked : others);
  }
  if (chunked == 1 && others == 0) {
    framing.chunked = true;
    return {};
  }
  return Refusal{chunked > 1 || others == 0 ? 400 : 501,
                 "expected the Transfer-Encoding chunked, found " + quote(value)};
}

Refused read_content_length(const Headers& headers, Framing& framing) {
  const std::size_t lengths = count_headers(headers, "content-length");
  if (lengths == 0) return {};
  if (lengths > 1)
    return Refusal{400, "expected one Content-Length, found " + std::to_string(lengths)};
  const std::string& value = *find_header(headers, "content-length");
  std::uint64_t length = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, length);
  if (error != std::errc() || stop != end) {
    return Refusal{400, "expected digits as Content-Length, found " + quote(value)};
  }
  framing.length = length;
  return {};
}

Refused read_expectation(const Headers& headers, int minor, Framing& framing) {
  for (const auto& [name, value] : headers) {
    if (name != "expect" || minor == 0) continue;
    if (!same_word(value, "100-continue")) {
      return Refusal{417, "expected 100-continue or no Expect header, found " + quote(value)};
    }
    framing.expects_continue = true;
  }
  return {};
}

// A page of another origin may have its visitors' browsers post forms and plain text here without asking first; JSON
// it may not. Some programs name no type for theirs.
Refused check_content(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name == "content-encoding" && !same_word(value, "identity")) {
      return Refusal{415, "a body with Content-Encoding is not read, found " + quote(value) +
                              ": send it uncompressed"};
    }
    if (name != "content-type") continue;
    const std::string_view type = trim(std::string_view(value).substr(0, value.find(';')));
    if (!same_word(type, "application/json") && !same_word(type, "application/octet-stream")) {
      return Refusal{
          415, "expected the Content-Type application/json or application/octet-stream, found " +
                   quote(value)};
    }
  }
  return {};
}

bool asks_to_close(const Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name != "connection") continue;
    for (std::string_view list = value; !list.empty();) {
      if (same_word(cut_element(list), "close")) return true;
    }
  }
  return false;
}

}  // namespace

Refused read_framing(const HttpRequest& head, int minor, Framing& framing) {
  const Headers& headers = head.headers;
  if (Refused refused = check_host(headers, minor)) return refused;
  if (Refused refused = read_coding(headers, minor, framing)) return refused;
  if (Refused refused = read_content_length(headers, framing)) return refused;
  const bool sends = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (sends && !framing.chunked && !framing.length) {
    return Refusal{411, "expected a Content-Length or Transfer-Encoding: chunked for the body of " +
                            head.method};
  }
  if (Refused refused = read_expectation(headers, minor, framing)) return refused;
  if (sends || framing.has_body()) {
    if (Refused refused = check_content(headers)) return refused;
  }
  framing.keep_alive = minor == 1 && !asks_to_close(headers);
  return {};
}

}  // namespace sapwood::serve
