// One line on standard error that says how far bulk work is.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sapwood::cli {

class Progress {
 public:
  explicit Progress(bool enabled) : enabled_(enabled) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` inputs; `part` of `whole` says how far that is (whole 0: unknown). Redraws at most ten
  // times a second, and not at all in the first half second.
  void update(std::size_t done, std::uint64_t part, std::uint64_t whole);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool enabled_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

// True where standard error is a terminal.
bool progress_wanted();

}  // namespace sapwood::cli
