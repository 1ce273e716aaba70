// What crosses the border of the library.
#include "base/border.h"

#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

#include "catch.h"
#include "sapwood/error.h"

using namespace sapwood;
namespace fs = std::filesystem;

namespace {

template <class Body>
int border(const Body& body) try {
  body();
  return 0;
} catch (...) {
  throw_as_error();
}

template <class Exception>
void check_becomes(const Exception& exception, ErrorCode code, const std::string& part) {
  try {
    border([&] { throw exception; });
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(error.code() == code);
    CHECK_THAT(error.what(), ContainsSubstring(part));
  }
}

}  // namespace

TEST_CASE("border: what the standard library throws becomes an Error") {
  check_becomes(std::bad_alloc(), ErrorCode::out_of_memory, "out of memory");
  check_becomes(std::bad_array_new_length(), ErrorCode::out_of_memory, "out of memory");
  check_becomes(std::length_error("vector"), ErrorCode::out_of_memory, "out of memory");
  check_becomes(std::system_error(std::make_error_code(std::errc::not_enough_memory)),
                ErrorCode::out_of_memory, "out of memory");
  check_becomes(std::system_error(std::make_error_code(std::errc::too_many_files_open)),
                ErrorCode::io, "open files");
  check_becomes(fs::filesystem_error("cannot read", "some/folder",
                                     std::make_error_code(std::errc::permission_denied)),
                ErrorCode::io, "some/folder");
}

TEST_CASE("border: an Error stays as it is, and so does what is nobody's business here") {
  check_becomes(Error(ErrorCode::too_long, "a text"), ErrorCode::too_long, "a text");
  CHECK_THROWS_AS(border([] { throw std::logic_error("a defect"); }), std::logic_error);
  CHECK(border([] {}) == 0);
}

TEST_CASE("border: what a caller's own function throws goes back to the caller") {
  const auto through = [](const auto& own) { return border([&] { call_caller(own); }); };
  CHECK_THROWS_AS(through([] { throw std::bad_alloc(); }), std::bad_alloc);
  CHECK_THROWS_AS(through([] { throw std::length_error("own"); }), std::length_error);
  CHECK_THROWS_AS(through([] { throw 7; }), int);
  CHECK(through([] {}) == 0);
}

TEST_CASE("border: making and copying an Error throws nothing") {
  STATIC_REQUIRE(std::is_nothrow_constructible_v<Error, ErrorCode, std::string_view>);
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<Error>);
}
