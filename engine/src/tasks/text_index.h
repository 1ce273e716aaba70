// A text that is sliced many times by code points: one pass to index it, then constant time a
// slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sapwood::tasks {

class TextIndex {
 public:
  explicit TextIndex(std::string_view text);  // valid UTF-8; the caller keeps the characters alive

  // The code points [start, end), clamped to the text.
  std::string_view slice(std::int64_t start, std::int64_t end) const;

 private:
  std::size_t byte_at(std::int64_t code_point) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;  // of each code point; empty where all are one byte
};

}  // namespace sapwood::tasks
