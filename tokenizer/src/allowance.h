// What one call may cost, whatever a tokenizer.json asks for: how far its text may grow, and how
// long its regular expressions may search.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sapwood {

// The thread's time that one call may take from its first search on. Oniguruma counts backtracks,
// but a pattern can do quadratic work with few of them, so that only a clock bounds it.
class SearchTime {
 public:
  explicit SearchTime(std::size_t bytes) noexcept : bytes_(bytes) {}

  double seconds() const noexcept { return 1 + static_cast<double>(bytes_) * 2e-6; }

  // Starts the clock where no search has.
  void start();

  // False once the time is spent: this thread's, so that a busy machine does not matter; the
  // cheaper wall clock says when to look.
  bool left();
  // As left(), for what happens often: looks at a clock at every 16th call.
  bool usually_left() { return ++calls_ % 16 != 0 || left(); }

  bool spent() const noexcept { return spent_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::size_t bytes_;
  Clock::time_point start_;
  double cpu_start_ = 0;
  unsigned calls_ = 0;
  bool started_ = false, spent_ = false;
};

class Allowance {
 public:
  // For a text of so many bytes.
  explicit Allowance(std::size_t bytes) noexcept
      : bytes_(bytes), growth_(total_growth()), search_(bytes) {}

  // The characters that normalizers may add to the text of one call, all of them together. The
  // most that Unicode asks for is 17 of the 3 bytes of U+FDFA.
  static constexpr std::size_t kGrowthPerByte = 7, kGrowth = 1 << 16;

  // Characters that may still be added.
  std::size_t growth() const noexcept { return growth_; }

  // Takes `characters` from growth(). Error too_long where there are not that many; `what` names
  // the step that adds them.
  void grow(std::size_t characters, std::string_view what) {
    if (characters > growth_) refuse(what);
    growth_ -= characters;
  }

  // What grow() throws.
  [[noreturn]] void refuse(std::string_view what) const;

  SearchTime& search() noexcept { return search_; }

 private:
  // Never so many that a text would need more than 32 bits for its positions.
  std::size_t total_growth() const noexcept {
    return std::min<std::size_t>(kGrowthPerByte * bytes_ + kGrowth, INT32_MAX);
  }

  std::size_t bytes_, growth_;
  SearchTime search_;
};

// Steps of a Sequence of normalizers or pre-tokenizers, those inside others counted too: each costs
// a pass over the text.
inline constexpr std::size_t kMaxSteps = 256;

// Error malformed where there are more than kMaxSteps; `what` names the kind of steps.
void require_steps(std::size_t steps, std::string_view what);

}  // namespace sapwood
