#include "base/border.h"

#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "sapwood/error.h"

namespace sapwood {
namespace {

constexpr std::string_view kNoMemory =
    "out of memory: an allocation failed; shorter texts and smaller batches need less";

// Nothing here allocates, but for Error, which does without where it must.
[[noreturn]] void throw_system_error(const std::system_error& error) {
  if (error.code() == std::errc::not_enough_memory) {
    throw Error(ErrorCode::out_of_memory, kNoMemory);
  }
  throw Error(ErrorCode::io, error.what());  // names the path, of a file system's error
}

}  // namespace

void throw_as_error() {
  try {
    throw;
  } catch (const FromCaller& caller) {
    std::rethrow_exception(caller.exception);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, kNoMemory);
  } catch (const std::length_error&) {
    throw Error(ErrorCode::out_of_memory, kNoMemory);
  } catch (const std::system_error& error) {
    throw_system_error(error);
  }
}

}  // namespace sapwood
