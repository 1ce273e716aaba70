#include "allowance.h"

#include <time.h>

#include <string>

#include "sapwood/error.h"

namespace sapwood {
namespace {

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace

void SearchTime::start() {
  if (started_) return;
  started_ = true;
  start_ = Clock::now();
  cpu_start_ = cpu_seconds();
}

bool SearchTime::left() {
  const std::chrono::duration<double> wall = Clock::now() - start_;
  spent_ = wall.count() >= seconds() && cpu_seconds() - cpu_start_ >= seconds();
  return !spent_;
}

void Allowance::refuse(std::string_view what) const {
  throw Error(ErrorCode::too_long, std::string(what) + " adds too much to this text of " +
                                       std::to_string(bytes_) +
                                       " bytes: all steps of the tokenizer together may add " +
                                       std::to_string(total_growth()) +
                                       " characters; correct the tokenizer.json that asks for it");
}

void require_steps(std::size_t steps, std::string_view what) {
  if (steps <= kMaxSteps) return;
  throw Error(ErrorCode::malformed, "the tokenizer has " + std::to_string(steps) + " " +
                                        std::string(what) + " in sequence; expected at most " +
                                        std::to_string(kMaxSteps) +
                                        ": each is a pass over the text");
}

}  // namespace sapwood
