#include "checkpoint/safetensors_header.h"

#include <limits>

#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

constexpr std::string_view kMetadata = "__metadata__";
// A tensor takes some ten: its object, dtype, shape and offsets.
constexpr std::uint32_t kMaxHeaderValues = 32 * static_cast<std::uint32_t>(kMaxTensors);

Size size_of(const JsonValue& value) {
  // The text of the number rather than a conversion: 1e3, 1.0 and -1 are no sizes.
  return *Size::of(value.integer(0, std::numeric_limits<std::int64_t>::max()));
}

std::vector<Size> read_shape(const JsonValue& shape) {
  std::vector<Size> dimensions;
  for (const JsonValue dimension : shape.elements()) {
    if (static_cast<std::int64_t>(dimensions.size()) == kMaxRank) {
      shape.fail("expected at most " + std::to_string(kMaxRank) + " dimensions, found more");
    }
    dimensions.push_back(size_of(dimension));
  }
  return dimensions;
}

// Exactly {"dtype": string, "shape": [n, ...], "data_offsets": [begin, end]}.
SafetensorsEntry read_entry(const JsonValue& tensor) {
  SafetensorsEntry entry;
  entry.name = tensor.key();
  int fields = 0;
  for (const JsonValue field : tensor.members()) {
    ++fields;
    if (field.key() == "dtype") {
      entry.dtype = field.string();
    } else if (field.key() == "shape") {
      entry.shape = read_shape(field);
    } else if (field.key() == "data_offsets") {
      const std::vector<JsonValue> offsets = field.items();
      if (offsets.size() != 2) {
        field.fail("expected two numbers, found " + std::to_string(offsets.size()));
      }
      entry.begin = size_of(offsets[0]);
      entry.end = size_of(offsets[1]);
    } else {
      tensor.fail("expected dtype, shape and data_offsets, found the field " + quote(field.key()));
    }
  }
  // No key comes twice, so that three known fields are all of them.
  if (fields != 3) tensor.fail("expected dtype, shape and data_offsets, found only some of them");
  return entry;
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& label) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  // Asked here, because the JSON reader would pass over a byte order mark.
  if (first == std::string_view::npos || text[first] != '{') {
    throw Error(ErrorCode::malformed,
                label + ": header: expected a JSON object, found " + quote(text.substr(0, 16)));
  }
  const auto document =
      JsonDocument::parse(std::string(text.substr(first)), label + ": header",
                          {.doubled_keys = DoubledKeys::error, .values = kMaxHeaderValues});
  SafetensorsHeader header;
  for (const JsonValue member : document.root().members()) {
    if (member.key() == kMetadata) {
      for (const JsonValue fact : member.members()) {
        header.metadata.emplace(fact.key(), fact.string());
      }
      continue;
    }
    if (static_cast<std::int64_t>(header.entries.size()) == kMaxTensors) {
      document.root().fail("expected at most " + std::to_string(kMaxTensors) +
                           " tensors, found more");
    }
    header.entries.push_back(read_entry(member));
  }
  return header;
}

}  // namespace sapwood
