#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace sapwood::cli {
namespace {

void draw(const std::string& text) {
  // Return to the line's start, erase it, write. A failure here concerns nobody.
  const std::string line = "\r\x1b[K" + text;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void Progress::update(std::size_t done, std::uint64_t part, std::uint64_t whole) {
  if (!enabled_) return;
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (seconds < 0.5 || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  shown_ = true;
  char text[160];
  const double rate = static_cast<double>(done) / seconds;
  if (whole > 0) {
    const double share = std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
    constexpr int kBar = 24;
    const int filled = static_cast<int>(share * kBar);
    std::snprintf(text, sizeof text, "[%s%s] %3.0f%%  %zu inputs  %.1f/s  %.0f s left",
                  std::string(static_cast<std::size_t>(filled), '#').c_str(),
                  std::string(static_cast<std::size_t>(kBar - filled), '.').c_str(), share * 100,
                  done, rate, share > 0 ? seconds * (1 - share) / share : 0.0);
  } else {
    std::snprintf(text, sizeof text, "%zu inputs  %.1f/s", done, rate);
  }
  draw(text);
}

void Progress::clear() {
  if (shown_) draw("");
  shown_ = false;
}

bool progress_wanted() { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace sapwood::cli
