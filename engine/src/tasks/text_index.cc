#include "tasks/text_index.h"

#include <algorithm>

namespace sapwood::tasks {

namespace {

bool starts_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

TextIndex::TextIndex(std::string_view text) : text_(text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; })) return;
  starts_.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_code_point(text[i])) starts_.push_back(i);
  }
}

std::size_t TextIndex::byte_at(std::int64_t code_point) const {
  if (code_point <= 0) return 0;
  const auto i = static_cast<std::size_t>(code_point);
  if (starts_.empty()) return std::min(i, text_.size());
  return i < starts_.size() ? starts_[i] : text_.size();
}

std::string_view TextIndex::slice(std::int64_t start, std::int64_t end) const {
  const std::size_t from = byte_at(start), to = byte_at(end);
  return from < to ? text_.substr(from, to - from) : std::string_view();
}

}  // namespace sapwood::tasks
