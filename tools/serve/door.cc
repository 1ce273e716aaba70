#include "door.h"

#include <algorithm>
#include <charconv>
#include <random>

#include "base/quote.h"

namespace sapwood::serve {
namespace {

constexpr std::size_t kLongestId = 128;
constexpr std::int64_t kLongestTimeoutMs = 24 * 3600 * 1000;

bool is_lower_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Whether the text begins with the word, whose letters are lower case.
bool begins_with_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  return std::equal(word.begin(), word.end(), text.begin(), [](char wanted, char found) {
    return wanted == (found >= 'A' && found <= 'Z' ? static_cast<char>(found + 32) : found);
  });
}

}  // namespace

bool has_key(const HttpRequest& head, std::string_view key) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string* const given = find_header(head.headers, "authorization");
  if (given == nullptr || !begins_with_word(*given, kScheme)) return false;
  const std::string_view found = std::string_view(*given).substr(kScheme.size());
  // All of what was given is compared, and a length that differs is as good as a wrong character.
  unsigned differences = found.size() == key.size() ? 0 : 1;
  for (std::size_t i = 0; i < found.size(); ++i) {
    differences |= static_cast<unsigned char>(found[i] ^ key[i % key.size()]);
  }
  return differences == 0;
}

std::string request_id(const HttpRequest& head) {
  const std::string* const given = find_header(head.headers, "x-request-id");
  const bool usable =
      given != nullptr && !given->empty() && given->size() <= kLongestId &&
      std::all_of(given->begin(), given->end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (usable) return *given;
  thread_local std::mt19937_64 random{std::random_device{}()};
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id(32, '0');
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = kDigits[random() >> 60];
  return id;
}

std::string trace_id(const HttpRequest& head) {
  constexpr std::size_t kVersion = 2, kTrace = 32, kParent = 16;
  const std::string* const given = find_header(head.headers, "traceparent");
  if (given == nullptr || given->size() < kVersion + kTrace + kParent + 5) return {};
  const std::string_view text = *given;
  const std::string_view trace = text.substr(kVersion + 1, kTrace);
  const bool dashes = text[kVersion] == '-' && text[kVersion + 1 + kTrace] == '-' &&
                      text[kVersion + kTrace + kParent + 2] == '-';
  const bool zero = trace.find_first_not_of('0') == trace.npos;
  return dashes && !zero && is_lower_hex(trace) ? std::string(trace) : std::string();
}

Deadline deadline_of(const HttpRequest& head, const AppOptions& options) {
  const std::string* const given = find_header(head.headers, "x-request-timeout-ms");
  if (given == nullptr) {
    if (options.request_timeout.count() == 0) return std::nullopt;
    return head.arrived + options.request_timeout;
  }
  std::int64_t ms = 0;
  const char* const end = given->data() + given->size();
  const auto [stop, error] = std::from_chars(given->data(), end, ms);
  if (error != std::errc() || stop != end || ms < 1 || ms > kLongestTimeoutMs) {
    throw ApiError(Problem::invalid, "x-request-timeout-ms: expected a whole number from 1 to " +
                                         std::to_string(kLongestTimeoutMs) + ", found " +
                                         quote(*given));
  }
  return head.arrived + std::chrono::milliseconds(ms);
}

Entrance enter(const HttpRequest& head, const ModelSet& models, const AppOptions& options) {
  const RouteMatch match = find_route(head.method, head.path, models);
  const bool open = match.route != nullptr && match.route->traits.open;
  // Before anything else: without the key nobody learns which paths and models there are.
  if (!open && !options.api_key.empty() && !has_key(head, options.api_key)) {
    throw ApiError(Problem::unauthorized,
                   "the API key is missing or wrong: send it as Authorization: Bearer KEY");
  }
  if (match.route == nullptr) {
    if (!match.allow.empty()) {
      throw ApiError(Problem::wrong_method,
                     quote(head.path) + " takes " + match.allow + ", found " + quote(head.method),
                     {}, match.allow);
    }
    throw ApiError(Problem::unknown_path,
                   "there is nothing at " + quote(head.path) + ": /openapi.json lists the paths");
  }
  Entrance entrance{match.route, models.models.front(), deadline_of(head, options)};
  if (!match.model.empty()) entrance.model = models.at(match.model);
  return entrance;
}

}  // namespace sapwood::serve
