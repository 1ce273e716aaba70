// Where windows lie when a text or a pair is cut to a length; the reference's rules.
#pragma once

#include <vector>

#include "sapwood/tokenizer/tokenizer.h"
#include "text.h"

namespace sapwood {

// The windows of one text of `length` tokens cut to `max`: the first is what is kept, the others
// follow only if `overflowing`. Error invalid_argument where stride >= max.
std::vector<Range> cut_windows(std::size_t length, std::size_t max, const EncodeOptions& options);

// How many tokens each text may keep. `room`: tokens there are for both. Errors as EncodeOptions
// says.
struct Shares {
  std::size_t first, second;
};
Shares share_room(std::size_t first, std::size_t second, bool pair, std::size_t room,
                  Truncation strategy);

}  // namespace sapwood
