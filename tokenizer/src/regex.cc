#include "regex.h"

#include <oniguruma.h>
#include <time.h>

#include <algorithm>
#include <chrono>

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

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && is_continuation(text[at])) ++at;
  return at;
}

// The time that one text may take. Oniguruma counts backtracks, but a pattern can do quadratic work
// with few of them, so that only a clock bounds it.
class Budget {
 public:
  explicit Budget(std::size_t bytes)
      : seconds_(1 + static_cast<double>(bytes) * 1e-6), cpu_start_(cpu_seconds()) {}

  double seconds() const noexcept { return seconds_; }

  // False once the time is spent: this thread's, so that a busy machine does not matter; the
  // cheaper wall clock says when to look.
  bool left() {
    if (++calls_ % 16 != 0) return true;
    const std::chrono::duration<double> wall = Clock::now() - start_;
    spent_ = wall.count() >= seconds_ && cpu_seconds() - cpu_start_ >= seconds_;
    return !spent_;
  }

  bool spent() const noexcept { return spent_; }

 private:
  using Clock = std::chrono::steady_clock;

  static double cpu_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }

  double seconds_;
  double cpu_start_;
  Clock::time_point start_ = Clock::now();
  unsigned calls_ = 0;
  bool spent_ = false;
};

// Called by the engine at every starting point that it tries (see kGuard).
int on_attempt(OnigCalloutArgs*, void* budget) {
  return static_cast<Budget*>(budget)->left() ? ONIG_CALLOUT_SUCCESS
                                              : ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER;
}

// A callout at the head of a pattern's first alternative is passed whenever a starting point is
// tried. It costs the engine its quick search for candidates, so that short texts do without.
constexpr std::string_view kGuard = "(?{})";
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
  regex_t* plain = nullptr;
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
  auto compiled = std::make_shared<Compiled>();
  auto compile = [&](const std::string& text, OnigSyntaxType* syntax) {
    OnigErrorInfo info;
    regex_t* regex = nullptr;
    const OnigUChar* begin = bytes(text.data());
    const int code = onig_new(&regex, begin, begin + text.size(), ONIG_OPTION_NONE,
                              ONIG_ENCODING_UTF8, syntax, &info);
    if (code == ONIG_NORMAL) return regex;
    throw Error(ErrorCode::malformed, std::string(where) + ": the regular expression \"" +
                                          pattern_ +
                                          "\" does not compile: " + describe(code, &info));
  };
  compiled->plain = compile(pattern_, ONIG_SYNTAX_RUBY);
  compiled->guarded = compile(std::string(kGuard) + pattern_, guarded_syntax());
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
  auto give_up = [&](const std::string& why) {
    throw Error(ErrorCode::unsupported,
                "the tokenizer's regular expression \"" + pattern_ + "\" gives up on this text (" +
                    why + "); use a pattern that does less work, or a shorter text");
  };

  const OnigUChar* begin = bytes(text.data());
  const OnigUChar* end = begin + text.size();
  Budget budget(text.size());
  regex_t* const regex = text.size() > kShortText ? compiled_->guarded : compiled_->plain;
  onig_set_progress_callout_of_match_param(param.get(), on_attempt);
  onig_set_callout_user_data_of_match_param(param.get(), &budget);
  std::size_t at = 0;
  std::size_t last_end = static_cast<std::size_t>(-1);
  while (at <= text.size()) {
    onig_region_clear(region.get());
    const int code = onig_search_with_param(regex, begin, end, begin + at, end, region.get(),
                                            ONIG_OPTION_NONE, param.get());
    if (code == ONIG_MISMATCH) return;
    if (budget.spent() || !budget.left()) {
      give_up("more than " + std::to_string(budget.seconds()) + " s");
    }
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
