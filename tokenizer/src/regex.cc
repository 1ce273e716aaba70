#include "regex.h"

#include <oniguruma.h>
#include <string.h>

#include <utility>

#include "base/quote.h"
#include "regex_guard.h"
#include "sapwood/error.h"
#include "text.h"

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

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && is_continuation(text[at])) ++at;
  return at;
}

// Called by the engine at every callout of a guarded pattern.
int on_callout(OnigCalloutArgs*, void* time) {
  return static_cast<SearchTime*>(time)->usually_left() ? ONIG_CALLOUT_SUCCESS
                                                        : ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER;
}

// Callouts cost the engine its quick search for candidates, so that short texts do without where
// what a search may do is bounded by other limits.
constexpr std::size_t kShortText = 16 << 10;

OnigSyntaxType* guarded_syntax() {
  static OnigSyntaxType syntax = [] {
    OnigSyntaxType s;
    onig_copy_syntax(&s, ONIG_SYNTAX_RUBY);
    onig_set_syntax_op2(&s, onig_get_syntax_op2(&s) | ONIG_SYN_OP2_QMARK_BRACE_CALLOUT_CONTENTS);
    return s;
  }();
  return &syntax;
}

}  // namespace

struct Regex::Compiled {
  regex_t* plain = nullptr;  // null where the guarded one is always needed
  regex_t* guarded = nullptr;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (plain) onig_free(plain);
    if (guarded) onig_free(guarded);
  }
};

Regex::Regex(std::string_view pattern, std::string_view where) : pattern_(pattern) {
  initialise();
  const std::string name = std::string(where) + ": the regular expression " + quote(pattern_);
  if (pattern.size() > kMaxPatternBytes) {
    throw Error(ErrorCode::malformed, name + " has " + std::to_string(pattern.size()) +
                                          " bytes; expected at most " +
                                          std::to_string(kMaxPatternBytes));
  }
  auto compiled = std::make_shared<Compiled>();
  auto compile = [&](const std::string& text, OnigSyntaxType* syntax) {
    OnigErrorInfo info;
    regex_t* regex = nullptr;
    const OnigUChar* begin = bytes(text.data());
    const int code = onig_new(&regex, begin, begin + text.size(), ONIG_OPTION_NONE,
                              ONIG_ENCODING_UTF8, syntax, &info);
    if (code == ONIG_NORMAL) return regex;
    throw Error(ErrorCode::malformed, name + " does not compile: " + describe(code, &info));
  };
  compiled->plain = compile(pattern_, ONIG_SYNTAX_RUBY);
  const bool groups = discards_backtracks(pattern_);
  const std::optional<std::string> guarded = with_callouts(pattern_, groups);
  if (!guarded) {
    throw Error(ErrorCode::unsupported,
                name +
                    " has comments besides atomic groups, possessive repetition or negative "
                    "look-around: take the comments out");
  }
  compiled->guarded = compile(*guarded, guarded_syntax());
  if (groups) onig_free(std::exchange(compiled->plain, nullptr));
  compiled_ = std::move(compiled);
}

void Regex::find_all(std::string_view text, SearchTime& time, std::vector<Match>& out) const {
  out.clear();
  std::unique_ptr<OnigRegion, RegionDeleter> region(onig_region_new());
  std::unique_ptr<OnigMatchParam, ParamDeleter> param(onig_new_match_param());
  if (!region || !param) throw Error(ErrorCode::out_of_memory, "no memory for a match");
  onig_initialize_match_param(param.get());
  onig_set_match_stack_limit_size_of_match_param(param.get(), kMaxStack);
  onig_set_retry_limit_in_match_of_match_param(param.get(), kMaxBacktracks);
  onig_set_retry_limit_in_search_of_match_param(param.get(), kMaxBacktracks);
  auto give_up = [&](const std::string& why) {
    throw Error(ErrorCode::unsupported,
                "the tokenizer's regular expression " + quote(pattern_) +
                    " gives up on this text (" + why +
                    "); use a pattern that does less work, or a shorter text");
  };

  const OnigUChar* begin = bytes(text.data());
  const OnigUChar* end = begin + text.size();
  const bool is_short = text.size() <= kShortText;
  regex_t* const regex = is_short && compiled_->plain ? compiled_->plain : compiled_->guarded;
  onig_set_progress_callout_of_match_param(param.get(), on_callout);
  onig_set_callout_user_data_of_match_param(param.get(), &time);
  time.start();
  std::size_t at = 0;
  std::size_t last_end = static_cast<std::size_t>(-1);
  while (at <= text.size()) {
    onig_region_clear(region.get());
    const int code = onig_search_with_param(regex, begin, end, begin + at, end, region.get(),
                                            ONIG_OPTION_NONE, param.get());
    if (time.spent() || !time.left()) {
      give_up("more than " + std::to_string(time.seconds()) + " s");
    }
    if (code == ONIG_MISMATCH) return;
    if (code < 0) give_up(describe(code));
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

void Pattern::find_all(std::string_view text, SearchTime& time, std::vector<Match>& out) const {
  if (regex_) return regex_->find_all(text, time, out);
  out.clear();
  if (literal_.empty()) {
    for (std::size_t at = 0; at <= text.size(); at = next_character(text, at)) {
      out.push_back({at, at});
    }
    return;
  }
  // memmem, not find: its time is linear whatever the literal is.
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  for (const char* at = begin; at != end;) {
    const void* found =
        ::memmem(at, static_cast<std::size_t>(end - at), literal_.data(), literal_.size());
    if (!found) break;
    const auto where = static_cast<std::size_t>(static_cast<const char*>(found) - begin);
    out.push_back({where, where + literal_.size()});
    at = begin + where + literal_.size();
  }
}

}  // namespace sapwood
