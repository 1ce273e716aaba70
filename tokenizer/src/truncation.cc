#include "truncation.h"

#include <algorithm>
#include <string>

namespace sapwood {

std::vector<Range> cut_windows(std::size_t length, std::size_t max, const EncodeOptions& options) {
  if (length <= max) return {{0, length}};
  const bool right = options.truncation_direction == Direction::right;
  if (!options.overflowing) {
    return {right ? Range{0, max} : Range{length - max, length}};
  }
  if (max == 0) return {{0, 0}, {0, length}};
  const auto stride = static_cast<std::size_t>(options.stride);
  if (stride >= max) {
    throw Error(
        ErrorCode::invalid_argument,
        "stride " + std::to_string(stride) + " must be less than the " + std::to_string(max) +
            " tokens that a window holds after special tokens; lower it or raise max_length");
  }
  const std::size_t step = max - stride;
  std::vector<Range> windows;
  if (right) {
    for (std::size_t begin = 0;; begin += step) {
      const std::size_t end = std::min(begin + max, length);
      windows.push_back({begin, end});
      if (end == length) break;
    }
  } else {
    for (std::size_t end = length;; end -= step) {
      const std::size_t begin = end > max ? end - max : 0;
      windows.push_back({begin, end});
      if (begin == 0) break;
    }
  }
  return windows;
}

Shares share_room(std::size_t first, std::size_t second, bool pair, std::size_t room,
                  Truncation strategy) {
  const std::size_t total = first + second;
  if (total <= room) return {first, second};
  const std::size_t excess = total - room;
  auto too_long = [&](const std::string& why) {
    return Error(ErrorCode::too_long, (pair ? "the two texts have " : "the text has ") +
                                          std::to_string(total) + " tokens and there is room for " +
                                          std::to_string(room) + " besides special tokens" + why);
  };
  // The reference empties both texts, whatever the strategy, where nothing may stay.
  if (room == 0 && strategy != Truncation::none) return {0, 0};
  switch (strategy) {
    case Truncation::none:
      throw too_long("; shorten it, raise max_length, or allow truncation");
    case Truncation::only_first:
      if (first <= excess) throw too_long("; cutting only the first text is not enough");
      return {first - excess, second};
    case Truncation::only_second:
      if (!pair) throw too_long("; there is no second text to cut");
      if (second <= excess) throw too_long("; cutting only the second text is not enough");
      return {first, second - excess};
    case Truncation::longest_first:
      break;
  }
  if (!pair) return {room, 0};
  std::size_t shorter = std::min(first, second);
  std::size_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = room / 2;
    longer = shorter + room % 2;
  }
  return first > second ? Shares{longer, shorter} : Shares{shorter, longer};
}

}  // namespace sapwood
