#include "npy.h"

#include <cstring>

#include "catch.h"
#include "process.h"
#include "sapwood/error.h"

using namespace sapwood::cli;
using sapwood::test::TemporaryFolder;

TEST_CASE("An npy header is 128 bytes and states the shape") {
  const std::string header = npy_header(12, 384);
  REQUIRE(header.size() == 128);
  CHECK(header.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  CHECK(static_cast<unsigned char>(header[8]) + 256 * header[9] == 118);
  CHECK(header.find("{'descr': '<f4', 'fortran_order': False, 'shape': (12, 384), }") == 10);
  CHECK(header.back() == '\n');
  CHECK(npy_header(UINT64_MAX, INT32_MAX).size() == 128);
}

TEST_CASE("An npy file gets its row count at the end") {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.npy");
  const float rows[2][3] = {{1, 2.5F, -3}, {4, 5, 6e-30F}};
  {
    OutputStream output(path, {});
    NpyWriter writer(output, 3);
    writer.write_row(rows[0]);
    writer.write_row(rows[1]);
    CHECK_THROWS_AS(writer.write_row({rows[0], 2}), sapwood::Error);
    writer.finish();
    output.close();
  }
  const std::string bytes = sapwood::test::read_file(path);
  REQUIRE(bytes.size() == 128 + sizeof rows);
  CHECK(bytes.substr(0, 128) == npy_header(2, 3));
  CHECK(std::memcmp(bytes.data() + 128, rows, sizeof rows) == 0);
}
