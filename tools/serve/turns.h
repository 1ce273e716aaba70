// A thread's turns on a processor that it shares.
#pragma once

namespace sapwood::serve {

// Asks the system to let the calling thread run soon after it wakes, for a short time, before threads that compute for long; its
// share of the processor stays the same. Systems older than Linux 6.12 do not know this wish.
void prefer_short_turns() noexcept;

}  // namespace sapwood::serve
