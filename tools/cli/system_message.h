// What the operating system says of a failure, and what can be done about it.
#pragma once

#include <string>

namespace sapwood::cli {

// The words for an errno; for a limit of this process also its size and its name in the shell, for
// a full disk or quota an advice.
std::string system_message(int error);

}  // namespace sapwood::cli
