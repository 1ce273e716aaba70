#include "sapwood/utf8.h"

#include <string>

#include "catch.h"
#include "sapwood/error.h"

namespace utf8 = sapwood::utf8;

TEST_CASE("valid UTF-8 of every length is accepted, at every alignment") {
  const std::string text = "aé中\U0001f600\U0010ffff\ud7ff\ue000\x7f";
  for (std::size_t n = 0; n < 20; ++n) {
    CHECK(utf8::is_valid(std::string(n, 'x') + text + std::string(n, 'y')));
  }
}

TEST_CASE("the first invalid byte is found wherever it stands") {
  const std::string bad[] = {
      "\x80",              // lone continuation
      "\xc3",              // cut short
      "\xe4\xb8",          // cut short
      "\xf0\x9f\x98",      // cut short
      "\xc0\xaf",          // overlong
      "\xc1\xbf",          // overlong
      "\xe0\x80\xaf",      // overlong
      "\xf0\x80\x80\xaf",  // overlong
      "\xed\xa0\x80",      // surrogate
      "\xed\xbf\xbf",      // surrogate
      "\xf4\x90\x80\x80",  // above U+10FFFF
      "\xf5\x80\x80\x80",
      "\xff",
      "\xc3\xc3\xa9",
  };
  for (const std::string& sequence : bad) {
    for (std::size_t n = 0; n < 18; ++n) {
      CHECK(utf8::find_invalid(std::string(n, 'x') + sequence) == n);
      CHECK(utf8::find_invalid(std::string(n, 'x') + sequence + "tail") == n);
      CHECK(utf8::find_invalid(std::string(n, 'x') + "é" + sequence) == n + 2);
    }
  }
}

TEST_CASE("the error names the byte offset") {
  try {
    utf8::require_valid("ab\xff", "the question");
    FAIL("accepted");
  } catch (const sapwood::Error& e) {
    CHECK(e.code() == sapwood::ErrorCode::invalid_utf8);
    CHECK(std::string(e.what()).find("the question") == 0);
    CHECK(std::string(e.what()).find("0xff at offset 2") != std::string::npos);
  }
}

TEST_CASE("code points are counted and sliced as Python does") {
  const std::string text = "aé中\U0001f600b";
  CHECK(utf8::count(text) == 5);
  CHECK(utf8::count("") == 0);
  CHECK(utf8::byte_offset(text, 0) == 0);
  CHECK(utf8::byte_offset(text, 2) == 3);
  CHECK(utf8::byte_offset(text, 4) == 10);
  CHECK(utf8::byte_offset(text, 9) == text.size());
  CHECK(utf8::slice(text, 1, 3) == "é中");
  CHECK(utf8::slice(text, 3, 99) == "\U0001f600b");
  CHECK(utf8::slice(text, 3, 3).empty());
  CHECK(utf8::slice(text, 4, 2).empty());
  CHECK(utf8::slice(text, 9, 12).empty());
}

TEST_CASE("append writes what find_invalid accepts, for every scalar value") {
  std::string text;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xD800 || c >= 0xE000) utf8::append(text, c);
  }
  CHECK(utf8::is_valid(text));
  CHECK(utf8::count(text) == 0x110000 - 0x800);
}
