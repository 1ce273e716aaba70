#include "schedule/cost.h"

#include <algorithm>
#include <cmath>

namespace sapwood::schedule {

void CostModel::observe(double units, double tokens, double seconds) {
  static const double kKeep = std::exp2(-1.0 / 32);
  const double expected = this->seconds(units, tokens);
  if (observed_ && expected > 0) seconds = std::min(seconds, expected * 8);
  observed_ = true;
  for (double* sum : {&uu_, &ut_, &tt_, &us_, &ts_}) *sum *= kKeep;
  uu_ += units * units;
  ut_ += units * tokens;
  tt_ += tokens * tokens;
  us_ += units * seconds;
  ts_ += tokens * seconds;
  solve();
}

void CostModel::solve() {
  // Runs that are all alike do not tell a and b apart: then everything counts as b.
  const double determinant = uu_ * tt_ - ut_ * ut_;
  if (determinant > 1e-6 * uu_ * tt_) {
    a_ = (us_ * tt_ - ts_ * ut_) / determinant;
    b_ = (ts_ * uu_ - us_ * ut_) / determinant;
    if (a_ >= 0 && b_ >= 0) return;
  }
  const bool by_units = determinant > 1e-6 * uu_ * tt_ && b_ < 0;
  a_ = by_units ? us_ / uu_ : 0;
  b_ = by_units ? 0 : ts_ / tt_;
}

}  // namespace sapwood::schedule
