// SHA-256 of bytes and files.
#include "catch.h"
#include "checkpoint/sha256.h"
#include "checkpoint_files.h"

using namespace sapwood;
using namespace sapwood::test;

TEST_CASE("sha256: the vectors of FIPS 180-4, in one piece and in many, and of a file") {
  const auto hex = [](const std::string& text) {
    return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
  };
  CHECK(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1'000'000, 'a');
  const std::string expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  CHECK(hex(million) == expected);
  Sha256 pieces;
  for (std::size_t i = 0; i < million.size(); i += 997) {
    const std::string_view piece = std::string_view(million).substr(i, 997);
    pieces.update(std::as_bytes(std::span(piece.data(), piece.size())));
  }
  CHECK(pieces.hex() == expected);
  const ScratchDir dir;
  CHECK(sha256_file(dir.write("a", million)) == expected);
}
