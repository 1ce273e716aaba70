// read_target of guard.h.
#include "ascii.h"
#include "base/quote.h"
#include "guard.h"
#include "sapwood/utf8.h"

namespace sapwood::serve {
namespace {

// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// False where an escape is not "%" and two hexadecimal digits.
bool decode(std::string_view text, std::string& out) {
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return false;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), is_control) && utf8::is_valid(text);
}

// Takes "http://host" off an absolute target.
bool cut_origin(std::string_view& target) {
  const std::size_t scheme = target.find("://");
  if (scheme == target.npos) return false;
  const std::string_view name = target.substr(0, scheme);
  if (!same_word(name, "http") && !same_word(name, "https")) return false;
  target.remove_prefix(scheme + 3);
  const std::size_t host = std::min(target.find_first_of("/?"), target.size());
  target.remove_prefix(host);
  return host > 0;
}

}  // namespace

std::optional<Refusal> read_target(std::string_view target, HttpRequest& request) {
  if (target == "*" && request.method == "OPTIONS") {
    request.path = "*";
    return {};
  }
  const auto refuse = [whole = target](const char* expected) {
    return Refusal{400, std::string("expected ") + expected + ", found " + quote(whole)};
  };
  if (!target.starts_with('/') && !cut_origin(target)) {
    return refuse("a target that begins with / or with http://HOST");
  }
  const std::size_t end = std::min(target.find_first_of("?#"), target.size());
  const std::string_view path = target.substr(0, end);
  request.query = target.substr(std::min(end + 1, target.size()));
  request.path.clear();
  if (!decode(path.empty() ? "/" : path, request.path)) {
    return refuse("two hexadecimal digits after each % of a target");
  }
  if (target.find('#') != target.npos) return refuse("a target without #");
  if (!is_clean(request.path) || !is_clean(request.query)) {
    return refuse("a target of UTF-8 without control characters");
  }
  return {};
}

void guess_target(std::string_view head, HttpRequest& request) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const std::size_t begin = std::min(line.find(' '), line.size());
  // Without an end more of the path may come.
  const std::size_t end = line.find_first_of(" ?", begin + 1);
  if (end == line.npos) return;
  HttpRequest found;
  found.method = line.substr(0, begin);
  if (!read_target(line.substr(begin + 1, end - begin - 1), found)) request = std::move(found);
}

}  // namespace sapwood::serve
