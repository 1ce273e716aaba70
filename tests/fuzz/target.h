// A fuzz target: what libFuzzer's program fuzz_NAME calls without end, and the test "fuzz" for each input that is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood::fuzz {

struct Target {
  std::string name;  // as in NAME_fuzz.cc and corpus/NAME
  // Returns for every input; throws Disagreement where something is not as it must be. A crash, a sanitizer's report and
  // what takes too long are found by the program around it.
  void (*run)(std::string_view input);
  // Changes an input so that it stays readable further in (a length, a checksum), by `change`, which is libFuzzer's own way
  // to change bytes, at most to `most` of them. Null: that alone.
  using Change = std::string (*)(std::string bytes, std::size_t most);
  std::string (*mutate)(std::string input, std::size_t most, std::uint32_t seed,
                        Change change) = nullptr;
};

// Those that are linked.
inline std::vector<Target>& targets() {
  static std::vector<Target> list;
  return list;
}

struct Registration {
  explicit Registration(Target target) { targets().push_back(std::move(target)); }
};

struct Disagreement : std::logic_error {
  using std::logic_error::logic_error;
};

inline void require(bool holds, const std::string& what) {
  if (!holds) throw Disagreement(what);
}

// A value that the compiler must not leave out: it was read for the sanitizer's sake.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

// What every refusal promises (sapwood/error.h).
inline void check_error(const Error& error) {
  const std::string_view text = error.what();
  require(!text.empty(), "an error without a message");
  require(utf8::find_invalid(text) == utf8::kValid, "a message that is not UTF-8");
  require(utf8::count(text) <= Error::kMaxMessage, "a message that is too long");
  for (const char c : text) {
    require(static_cast<unsigned char>(c) >= 0x20 || c == '\n', "a control character in a message");
  }
  require(error.code() != ErrorCode::out_of_memory,
          "memory beyond the bound: " + std::string(text));
}

// Whether `action` ran to its end; false where it was refused as it should be.
template <class Action>
bool accepted(Action action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    check_error(error);
    return false;
  }
}

}  // namespace sapwood::fuzz
