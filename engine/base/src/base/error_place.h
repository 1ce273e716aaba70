// Errors of parts that do not know which file they read.
#pragma once

#include <string_view>

#include "sapwood/error.h"

namespace sapwood {

// The error with "WHERE: " before its message, where that does not begin with `where` already.
Error placed(const Error& error, std::string_view where);

// What `read` gives; an Error that it throws names `where`.
template <class Read>
auto placing(std::string_view where, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw placed(error, where);
  }
}

}  // namespace sapwood
