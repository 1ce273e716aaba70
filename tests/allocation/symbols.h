// Names for the addresses of a call stack, those of static functions too.
#pragma once

#include <string>
#include <vector>

#include "failing.h"

namespace sapwood::test {

// The functions of a stack, innermost first, without their arguments: "sapwood::Model::load". Of
// libraries only what they export; "?" for what has no name. Symbols are read from this program's
// file, so they must not be stripped.
std::vector<std::string> names_of(const Stack& stack);

}  // namespace sapwood::test
