// What tests cannot do under a sanitizer.
#pragma once

#include <iostream>

namespace sapwood::test {

// Whether this is a sanitizer's build; says then what is skipped: "..., because ...".
inline bool sanitized([[maybe_unused]] const char* what) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  std::cout << "skipped under a sanitizer: " << what << '\n';
  return true;
#else
  return false;
#endif
}

}  // namespace sapwood::test
