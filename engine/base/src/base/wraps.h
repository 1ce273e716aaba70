// Unsigned arithmetic that wraps on purpose.
#pragma once

// Marks a function (or a lambda, behind its parameters) whose unsigned sums and products are meant modulo a power of two:
// hashes, and tricks with the bits of a word. clang's integer sanitizer, which the fuzz targets run under, reports every other
// one, because in a loader it is a size that became small.
#if defined(__clang__)
#define SAPWOOD_WRAPS \
  __attribute__((no_sanitize("unsigned-integer-overflow", "unsigned-shift-base")))
#else
#define SAPWOOD_WRAPS
#endif
