// The JSON table at the start of a safetensors file, checked as JSON but not yet against the data.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/checked.h"

namespace sapwood {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // the file's word for it, known or not
  std::vector<Size> shape;
  Size begin, end;  // offsets from the end of the header
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of the table
  std::map<std::string, std::string> metadata;
};

// Reads the table from the header's text. Time and memory grow with the text only; values and
// entries are counted. Throws Error malformed, its message starting with `label` (the file's name).
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& label);

}  // namespace sapwood
