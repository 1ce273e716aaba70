// What an answer says of the time that it took.
#pragma once

#include "call.h"

namespace sapwood::serve {

// The headers of text-embeddings-inference, in whole milliseconds, and Server-Timing with fractions.
void add_timings(const Call& call, std::chrono::nanoseconds total, Headers& headers);

}  // namespace sapwood::serve
