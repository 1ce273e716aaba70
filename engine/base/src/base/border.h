// The border of the library: every public function that can throw throws Error and nothing else.
// Inside, what fails throws what it likes.
//
//   Model Model::load(...) try {
//     ...
//   } catch (...) {
//     throw_as_error();
//   }
#pragma once

#include <exception>

namespace sapwood {

// Throws the exception that is being handled as an Error: out_of_memory for a failed allocation and
// for sizes that no allocation could have, io for what the operating system refused. An Error
// stays as it is.
[[noreturn]] void throw_as_error();

// What a function of the caller's threw; it crosses the border as it is.
struct FromCaller {
  std::exception_ptr exception;
};

// Calls a function of the caller's, which may throw anything, on the inner side of the border.
template <class Call>
void call_caller(const Call& call) {
  try {
    call();
  } catch (...) {
    throw FromCaller{std::current_exception()};
  }
}

}  // namespace sapwood
