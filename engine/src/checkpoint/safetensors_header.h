// The JSON table at the start of a safetensors file, checked as JSON but not yet against the data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // the file's word for it, known or not
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;  // offsets from the end of the header
  std::int64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of the table
  std::map<std::string, std::string> metadata;
};

// Reads the table from the header's text. Time and memory grow with the text only: it is parsed as
// a stream, nesting deeper than the format's own is refused where it begins, and entries are
// counted. Throws Error malformed, its message starting with `label` (the file's name).
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& label);

}  // namespace sapwood
