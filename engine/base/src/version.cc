#include "sapwood/version.h"

namespace sapwood {

std::string_view version() noexcept { return kVersion; }

}  // namespace sapwood
