#include "sapwood/error.h"

#include "base/error_place.h"
#include "base/quote.h"

namespace sapwood {

Error::Error(ErrorCode code, std::string_view message)
    : std::runtime_error(printable(message, kMaxMessage, LineEnds::kept)), code_(code) {}

Error placed(const Error& error, std::string_view where) {
  // As it stands in a message.
  const std::string shown = printable(where, Error::kMaxMessage, LineEnds::kept);
  const std::string_view what = error.what();
  return what.starts_with(shown) ? error : Error(error.code(), shown + ": " + std::string(what));
}

}  // namespace sapwood
