// Inputs that are several files: a text in which a line "=== NAME" begins each of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/named_buffer.h"

namespace sapwood::fuzz {

struct InputPart {
  std::string name, bytes;
};

inline constexpr std::string_view kPartMark = "=== ";

// What stands before the first such line is dropped, and the line end before the next one.
inline std::vector<InputPart> split_parts(std::string_view input) {
  std::vector<InputPart> parts;
  const auto begins = [&](std::size_t from) {
    for (;; ++from) {
      from = input.find(kPartMark, from);
      if (from == input.npos || from == 0 || input[from - 1] == '\n') return from;
    }
  };
  for (std::size_t at = begins(0); at != input.npos;) {
    const std::size_t name = at + kPartMark.size();
    const std::size_t line = std::min(input.find('\n', name), input.size());
    const std::size_t next = begins(line);
    const std::size_t first = std::min(line + 1, input.size());
    const std::size_t end = next == input.npos ? input.size() : next - 1;
    parts.push_back({std::string(input.substr(name, line - name)),
                     std::string(input.substr(first, end < first ? 0 : end - first))});
    at = next;
  }
  return parts;
}

inline std::string find_part(const std::vector<InputPart>& parts, std::string_view name) {
  for (const InputPart& part : parts) {
    if (part.name == name) return part.bytes;
  }
  return {};
}

// They refer to the parts.
inline std::vector<NamedBuffer> as_files(const std::vector<InputPart>& parts) {
  std::vector<NamedBuffer> files;
  for (const InputPart& part : parts) {
    files.push_back({part.name, std::as_bytes(std::span(part.bytes))});
  }
  return files;
}

}  // namespace sapwood::fuzz
