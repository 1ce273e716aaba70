// What a model's work costs, learnt from the runs.
#pragma once

namespace sapwood::schedule {

// Processor seconds of `units` texts with `tokens` tokens together: a x units + b x tokens. Fitted by least
// squares in which a run's weight halves every 32 runs; a and b are never negative.
class CostModel {
 public:
  // A guess until the first run is seen.
  explicit CostModel(double seconds_per_token = 1e-4) : b_(seconds_per_token) {}

  double seconds(double units, double tokens) const { return a_ * units + b_ * tokens; }
  // A run of so many texts and tokens took so many processor seconds (all its threads together). One that took far more
  // than was expected counts as eight times as much: it may have been interrupted.
  void observe(double units, double tokens, double seconds);

 private:
  void solve();

  double a_ = 0, b_;
  bool observed_ = false;
  // Weighted sums of products: units, tokens, and seconds.
  double uu_ = 0, ut_ = 0, tt_ = 0, us_ = 0, ts_ = 0;
};

}  // namespace sapwood::schedule
