#include "system_message.h"

#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace sapwood::cli {
namespace {

// "; this process may ... at most 1024 bytes (ulimit -f)"; "" where there is no limit.
template <class Resource>
std::string limit_text(Resource resource, const char* what, const char* unit) {
  struct rlimit limit {};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  return std::string("; this process may ") + what + " at most " + std::to_string(limit.rlim_cur) +
         unit;
}

}  // namespace

std::string system_message(int error) {
  std::string message = std::generic_category().message(error);
  switch (error) {
    case EFBIG:
      return message + limit_text(RLIMIT_FSIZE, "write files of", " bytes (ulimit -f)");
    case EMFILE:
      return message + limit_text(RLIMIT_NOFILE, "open", " files (ulimit -n)");
    case ENOSPC:
    case EDQUOT:
      return message + "; free some space or write elsewhere with -o FILE";
    default:
      return message;
  }
}

}  // namespace sapwood::cli
