// A command that cannot be what the user meant: exit status 2.
#pragma once

#include <stdexcept>

namespace sapwood::cli {

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sapwood::cli
