#include "regex.h"

#include <oniguruma.h>

#include "sapwood/error.h"

namespace sapwood {
namespace {

const OnigUChar* bytes(const char* p) { return reinterpret_cast<const OnigUChar*>(p); }

std::string describe(int code, OnigErrorInfo* info = nullptr) {
  OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
  int n = onig_error_code_to_str(text, code, info);
  return std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(n));
}

// Oniguruma wants one initialisation in the process before anything else.
void initialise() {
  static const int done = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
  }();
  if (done != ONIG_NORMAL) throw Error(ErrorCode::unsupported, "Oniguruma: " + describe(done));
}

struct RegionDeleter {
  void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
};
struct ParamDeleter {
  void operator()(OnigMatchParam* param) const { onig_free_match_param(param); }
};

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

struct Regex::Compiled {
  regex_t* regex = nullptr;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (regex) onig_free(regex);
  }
};

Regex::Regex(std::string_view pattern, std::string_view where) : pattern_(pattern) {
  initialise();
  auto compiled = std::make_shared<Compiled>();
  OnigErrorInfo info;
  const OnigUChar* begin = bytes(pattern_.data());
  int code = onig_new(&compiled->regex, begin, begin + pattern_.size(), ONIG_OPTION_NONE,
                      ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &info);
  if (code != ONIG_NORMAL) {
    compiled->regex = nullptr;
    throw Error(ErrorCode::malformed, std::string(where) + ": the regular expression \"" +
                                          pattern_ +
                                          "\" does not compile: " + describe(code, &info));
  }
  compiled_ = std::move(compiled);
}

void Regex::find_all(std::string_view text, std::vector<Match>& out) const {
  out.clear();
  std::unique_ptr<OnigRegion, RegionDeleter> region(onig_region_new());
  std::unique_ptr<OnigMatchParam, ParamDeleter> param(onig_new_match_param());
  if (!region || !param) throw Error(ErrorCode::out_of_memory, "no memory for a match");
  onig_initialize_match_param(param.get());
  onig_set_retry_limit_in_match_of_match_param(param.get(), kMaxBacktracks);
  onig_set_retry_limit_in_search_of_match_param(param.get(), kMaxBacktracks);

  const OnigUChar* begin = bytes(text.data());
  const OnigUChar* end = begin + text.size();
  std::size_t at = 0;
  std::size_t last_end = static_cast<std::size_t>(-1);
  while (at <= text.size()) {
    onig_region_clear(region.get());
    const int code = onig_search_with_param(compiled_->regex, begin, end, begin + at, end,
                                            region.get(), ONIG_OPTION_NONE, param.get());
    if (code == ONIG_MISMATCH) return;
    if (code < 0) {
      throw Error(ErrorCode::unsupported, "the tokenizer's regular expression \"" + pattern_ +
                                              "\" gives up on this text (" + describe(code) +
                                              "); use a pattern that backtracks less");
    }
    const auto match_begin = static_cast<std::size_t>(region->beg[0]);
    const auto match_end = static_cast<std::size_t>(region->end[0]);
    if (match_begin == match_end && match_end == last_end) {
      at = next_character(text, at);
      continue;
    }
    out.push_back({match_begin, match_end});
    at = last_end = match_end;
  }
}

Pattern Pattern::literal(std::string text) {
  Pattern pattern;
  pattern.literal_ = std::move(text);
  return pattern;
}

Pattern Pattern::regex(std::string_view text, std::string_view where) {
  Pattern pattern;
  pattern.regex_ = std::make_shared<const Regex>(text, where);
  return pattern;
}

void Pattern::find_all(std::string_view text, std::vector<Match>& out) const {
  if (regex_) return regex_->find_all(text, out);
  out.clear();
  if (literal_.empty()) {
    for (std::size_t at = 0; at <= text.size(); at = next_character(text, at)) {
      out.push_back({at, at});
    }
    return;
  }
  for (std::size_t at = text.find(literal_); at != std::string_view::npos;
       at = text.find(literal_, at + literal_.size())) {
    out.push_back({at, at + literal_.size()});
  }
}

}  // namespace sapwood
