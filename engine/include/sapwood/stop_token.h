// Asking a run to stop before its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>

namespace sapwood {

enum class RunStatus : std::uint8_t {
  ok,
  cancelled,  // a stop was asked for
  deadline,   // the deadline passed
};

// What a run asks on its way, at least every 10 ms of its own work on kernels for this processor
// (not those of the scalar table): whoever holds the std::stop_source may ask it to stop, and the
// deadline does so by itself. A default one never stops and costs nothing.
class StopToken {
 public:
  using Clock = std::chrono::steady_clock;

  StopToken() = default;
  explicit StopToken(std::stop_token token) : token_(std::move(token)) {}
  explicit StopToken(Clock::time_point deadline) : deadline_(deadline) {}
  StopToken(std::stop_token token, Clock::time_point deadline)
      : token_(std::move(token)), deadline_(deadline) {}

  bool can_stop() const noexcept { return token_.stop_possible() || deadline_.has_value(); }

  RunStatus status() const noexcept {
    if (token_.stop_requested()) return RunStatus::cancelled;
    if (deadline_ && Clock::now() >= *deadline_) return RunStatus::deadline;
    return RunStatus::ok;
  }

 private:
  std::stop_token token_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace sapwood
