#include "sapwood/error.h"

#include "base/error_place.h"
#include "base/quote.h"

namespace sapwood {
namespace {

// Made when the program starts, so that it is there when no memory is; never destroyed, because
// errors may be thrown until the program has ended. Copies share its text.
const std::runtime_error& no_memory() {
  static const std::runtime_error& error = *new std::runtime_error("out of memory");
  return error;
}
[[maybe_unused]] const std::runtime_error& made_at_start = no_memory();

}  // namespace

Error::Error(ErrorCode code, std::string_view message) noexcept : Error(made(code, message)) {}

Error::Error(ErrorCode code, const std::runtime_error& message) noexcept
    : std::runtime_error(message), code_(code) {}

Error Error::made(ErrorCode code, std::string_view message) noexcept {
  try {
    return {code, std::runtime_error(printable(message, kMaxMessage, LineEnds::kept))};
  } catch (...) {
    return {ErrorCode::out_of_memory, no_memory()};
  }
}

Error placed(const Error& error, std::string_view where) {
  // As it stands in a message.
  const std::string shown = printable(where, Error::kMaxMessage, LineEnds::kept);
  const std::string_view what = error.what();
  return what.starts_with(shown) ? error : Error(error.code(), shown + ": " + std::string(what));
}

}  // namespace sapwood
