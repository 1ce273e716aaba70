#include "sapwood/error.h"

#include "base/quote.h"

namespace sapwood {

Error::Error(ErrorCode code, std::string_view message)
    : std::runtime_error(printable(message, kMaxMessage, LineEnds::kept)), code_(code) {}

}  // namespace sapwood
