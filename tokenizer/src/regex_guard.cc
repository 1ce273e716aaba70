#include "regex_guard.h"

#include <algorithm>

namespace sapwood {
namespace {

constexpr std::string_view kCallout = "(?{})";

// Copies a pattern of Ruby's syntax that is known to compile.
class Guard {
 public:
  explicit Guard(std::string_view pattern) : pattern_(pattern) {}

  std::optional<std::string> run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        copy(2);
      } else if (c == '[') {
        copy_class();
      } else if (c == '(') {
        copy_group_head();
      } else {
        has_hash_ |= c == '#';
        copy(1);
      }
    }
    if (extended_ && has_hash_) return std::nullopt;
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return pattern_.substr(at_); }

  void copy(std::size_t n) {
    out_ += pattern_.substr(at_, n);
    at_ = std::min(pattern_.size(), at_ + n);
  }

  // Up to and with the next of `ends`, which no backslash escapes.
  char copy_through(std::string_view ends) {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      copy(c == '\\' ? 2 : 1);
      if (ends.find(c) != std::string_view::npos) return c;
    }
    return '\0';
  }

  // [...] with the classes inside it. A "]" at the head of one is a member.
  void copy_class() {
    int depth = 0;
    do {
      const char c = pattern_[at_];
      if (c == '[') {
        ++depth;
        copy(1);
        if (rest().starts_with('^')) copy(1);
        if (rest().starts_with(']')) copy(1);
      } else {
        depth -= c == ']';
        copy(c == '\\' ? 2 : 1);
      }
    } while (depth > 0 && at_ < pattern_.size());
  }

  void copy_group_head() {
    copy(1);
    bool guarded = true;
    if (rest().starts_with('?')) {
      copy(1);
      const char kind = at_ < pattern_.size() ? pattern_[at_] : '\0';
      if (kind == '#') {
        copy_through(")");
        guarded = false;
      } else if (rest().starts_with("<=") || rest().starts_with("<!")) {
        copy(2);
        guarded = false;  // a look-behind has a length that is known
      } else if (kind == '<') {
        copy_through(">");
      } else if (kind == '\'') {
        copy(1);
        copy_through("'");
      } else if (kind == ':' || kind == '=' || kind == '!' || kind == '>') {
        copy(1);
      } else if (kind == '~' || kind == '(') {  // absence, condition
        copy(1);
        guarded = false;
      } else {  // options, for a group or for what follows
        const std::size_t begin = at_;
        guarded = copy_through(":)") == ':';
        extended_ |= pattern_.substr(begin, at_ - begin).find('x') != std::string_view::npos;
      }
    }
    if (guarded) out_ += kCallout;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::string out_{kCallout};
  bool extended_ = false, has_hash_ = false;
};

}  // namespace

bool discards_backtracks(std::string_view pattern) {
  for (const std::string_view part : {"(?>", "(?!", "(?<!", "(?~", "*+", "++", "?+", "}+"}) {
    if (pattern.find(part) != std::string_view::npos) return true;
  }
  return false;
}

std::optional<std::string> with_callouts(std::string_view pattern, bool groups) {
  if (groups) return Guard(pattern).run();
  return std::string(kCallout).append(pattern);
}

}  // namespace sapwood
