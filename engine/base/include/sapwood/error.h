// The one exception type that crosses Sapwood's public boundary, in the one direction; what a
// caller's own function throws goes back to the caller as it is. Kernels are noexcept and do not use
// it.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "sapwood/export.h"

namespace sapwood {

enum class ErrorCode {
  invalid_argument,  // a caller's value is out of its documented range
  not_found,         // a file, model, label or tensor does not exist
  io,                // the operating system refused a read, write or mapping
  malformed,     // bytes that are not what their format says: JSON, safetensors, pickle, vocabulary
  mismatch,      // well-formed parts that contradict each other: shapes, counts, dtypes, labels
  unsupported,   // well-formed, but a feature this version does not have
  invalid_utf8,  // text that is not UTF-8
  too_long,      // text over the length limit while truncation is refused
  isa_unavailable,    // an instruction set was forced that this CPU or build lacks
  out_of_memory,      // an allocation failed
  overloaded,         // a service has more to do than it may keep waiting
  deadline_exceeded,  // an answer could not be given in time
  cancelled,          // by its caller, or by a service that stops
};

// The code's name as users script against it, e.g. "invalid_argument".
constexpr std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::io:
      return "io";
    case ErrorCode::malformed:
      return "malformed";
    case ErrorCode::mismatch:
      return "mismatch";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::invalid_utf8:
      return "invalid_utf8";
    case ErrorCode::too_long:
      return "too_long";
    case ErrorCode::isa_unavailable:
      return "isa_unavailable";
    case ErrorCode::out_of_memory:
      return "out_of_memory";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::deadline_exceeded:
      return "deadline_exceeded";
    case ErrorCode::cancelled:
      return "cancelled";
  }
  return "unknown";
}

// what() says what was expected, what was found and, where there is one, what to do next. It is
// valid UTF-8 of at most kMaxMessage characters, without control characters other than line ends,
// whatever file or text the message quotes: it can be printed on a terminal and written to a log as
// it is.
class SAPWOOD_API Error : public std::runtime_error {
 public:
  static constexpr std::size_t kMaxMessage = 4096;

  // Without memory for the message it is another error: out_of_memory.
  Error(ErrorCode code, std::string_view message) noexcept;
  ErrorCode code() const noexcept { return code_; }

 private:
  SAPWOOD_LOCAL Error(ErrorCode code, const std::runtime_error& message) noexcept;
  SAPWOOD_LOCAL static Error made(ErrorCode code, std::string_view message) noexcept;

  ErrorCode code_;
};

}  // namespace sapwood
