// safetensors files that are wrong in one way each; numbers are those of the list of hostile input.
#include "catch.h"
#include "checkpoint/safetensors.h"
#include "checkpoint_files.h"

using namespace sapwood;
using namespace sapwood::test;

namespace {

// Expects the file with these bytes to be refused, with the file's name and `parts` in the message.
void refused(const std::string& bytes, std::vector<std::string> parts) {
  const ScratchDir dir;
  const auto path = dir.write("model.safetensors", bytes);
  parts.push_back(path.string());
  check_refused([&] { open_safetensors(path); }, ErrorCode::malformed, parts);
}

// The same for a header's text and a number of data bytes.
void header_refused(const std::string& header, std::size_t data_bytes,
                    const std::vector<std::string>& parts) {
  INFO(header.substr(0, 200));
  refused(safetensors(header, data_bytes), parts);
}

TensorSource open_file(const ScratchDir& dir, const std::string& bytes) {
  return open_safetensors(dir.write("model.safetensors", bytes));
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors: a good file gives its tensors, bytes and metadata") {
  const ScratchDir dir;
  const std::vector<float> a{1.5F, -2, 3, 4, 5, 6};
  const std::vector<std::int64_t> b{7, -8};
  const std::string header = "{\"__metadata__\":{\"format\":\"pt\",\"note\":\"\\u00e9\"}," +
                             entry("b", "I64", "[2]", "[24,40]") + "," +
                             entry("a", "F32", "[2,3]", "[0,24]") + "}";
  const auto path = dir.write("model.safetensors", little_endian<std::uint64_t>(header.size()) +
                                                       header + bytes_of(a) + bytes_of(b));
  TensorSource moved = open_safetensors(path);
  const TensorSource source = std::move(moved);  // views survive a move
  CHECK(source.names() == std::vector<std::string>{"b", "a"});
  CHECK(source.metadata() == TensorSource::Metadata{{"format", "pt"}, {"note", "\xc3\xa9"}});
  const TensorView& t = source.at("a");
  CHECK(t.dtype == TensorDtype::f32);
  CHECK(t.shape == std::vector<std::int64_t>{2, 3});
  CHECK(t.elements() == 6);
  REQUIRE(t.bytes == 24);
  CHECK(std::memcmp(t.data, a.data(), 24) == 0);
  CHECK(std::memcmp(source.at("b").data, b.data(), 16) == 0);
  CHECK(source.find("c") == nullptr);
  REQUIRE(source.files().size() == 1);
  CHECK(source.files()[0].path() == path);
  check_refused([&] { source.at("c"); }, ErrorCode::not_found, {"'c'", path.string()});
  std::vector<float> out(2);
  check_refused([&] { to_float(source.at("b"), out.data()); }, ErrorCode::unsupported,
                {"'b'", "I64"});
}

TEST_CASE("hostile 1: an empty file and one of 7 bytes are too small") {
  refused("", {"too small"});
  refused("1234567", {"too small", "7"});
  refused(std::string(8, '\0'), {"too small"});
}

TEST_CASE("hostile 2: a header length that no file could have") {
  refused(little_endian<std::uint64_t>(1ULL << 63) + "{}",
          {"header length", "9223372036854775808"});
  refused(little_endian<std::uint64_t>(~0ULL) + "{}", {"header length"});
  refused(little_endian<std::uint64_t>(100'000'001) + "{}", {"header length", "100000000"});
  refused(little_endian<std::uint64_t>(3) + "{}", {"header length", "only 2 bytes follow"});
}

TEST_CASE("hostile 3: a header of no length") {
  refused(little_endian<std::uint64_t>(0) + "{}", {"header length", "found 0"});
}

TEST_CASE("hostile 4: a header that is not JSON, not UTF-8 or cut short") {
  header_refused("{\"\xff\xfe\":1}", 0, {"not UTF-8"});
  header_refused("{\"a\xc0\xaf\":1}", 0, {"not UTF-8"});
  header_refused("{\"a\":", 0, {"not valid JSON"});
  header_refused("{\"a", 0, {"not valid JSON"});
  header_refused("hello there", 0, {"expected a JSON object"});
  header_refused("[1,2]", 0, {"expected a JSON object"});
  header_refused("{} x", 0, {"not valid JSON"});
  header_refused(std::string("{}\0garbage", 10), 0, {"not valid JSON"});
  header_refused("\xef\xbb\xbf{}", 0, {"expected a JSON object"});
  header_refused("        ", 0, {"expected a JSON object"});
}

TEST_CASE("hostile 5: white space around the header's object is accepted") {
  const ScratchDir dir;
  const std::string table = " \n\t{" + entry("a", "U8", "[4]", "[0,4]") + "}   ";
  CHECK(open_file(dir, safetensors(table, 4)).names() == std::vector<std::string>{"a"});
}

TEST_CASE("hostile 6: nesting of depth 100,000") {
  const std::string deep(100'000, '[');
  header_refused("{\"a\":" + deep, 0, {"deeper than 64"});
  header_refused(deep, 0, {"expected a JSON object"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  header_refused(objects, 0, {"deeper than 64"});
  header_refused("{\"a\":{\"shape\":" + deep, 0, {"deeper than 64"});
}

TEST_CASE("hostile 7: a million tiny tensors are refused in bounded time") {
  std::string header = "{";
  header.reserve(90'000'000);
  for (int i = 0; i < 1'000'000; ++i) {
    const std::string at = std::to_string(i);
    header += (i == 0 ? "" : ",") +
              entry("t" + at, "U8", "[1]", "[" + at + "," + std::to_string(i + 1) + "]");
  }
  header += "}";
  header_refused(header, 1'000'000, {"at most 2097152 values"});
}

TEST_CASE("hostile 7: as many tensors as are allowed load in bounded time") {
  const ScratchDir dir;
  std::string header = "{";
  for (std::int64_t i = 0; i < kMaxTensors; ++i) {
    const std::string at = std::to_string(i);
    header += (i == 0 ? "" : ",") +
              entry("t" + at, "U8", "[1]", "[" + at + "," + std::to_string(i + 1) + "]");
  }
  header += "}";
  const std::clock_t start = std::clock();
  const TensorSource source =
      open_file(dir, safetensors(header, static_cast<std::size_t>(kMaxTensors)));
  CHECK(source.tensors().size() == static_cast<std::size_t>(kMaxTensors));
  CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 10 * kRefusalMs / 1e3);
}

TEST_CASE("hostile 8: a key twice") {
  const std::string a = entry("a", "U8", "[1]", "[0,1]");
  header_refused("{" + a + "," + a + "}", 1, {"header: a", "twice"});
  header_refused("{" + a + "," + entry("\\u0061", "U8", "[1]", "[1,2]") + "}", 2,
                 {"header: a", "twice"});
  header_refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, {"__metadata__", "twice"});
  header_refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, {"__metadata__.k", "twice"});
  header_refused("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}",
                 1, {"header: a", "dtype", "twice"});
}

TEST_CASE("hostile 9: metadata that is not strings") {
  for (const char* value : {"1", "null", "true", "1.5", "-1", "{}", "[]"}) {
    header_refused(std::string("{\"__metadata__\":{\"key\":") + value + "}}", 0,
                   {"__metadata__", "__metadata__.key", "a string"});
  }
  header_refused("{\"__metadata__\":\"text\"}", 0, {"__metadata__", "an object"});
  header_refused("{\"__metadata__\":[]}", 0, {"__metadata__", "an object"});
}

TEST_CASE("hostile 10: a shape whose product wraps") {
  header_refused("{" + entry("a", "U8", "[4194305,4194305,211106198978564]", "[0,4]") + "}", 4,
                 {"'a'", "shape", "2^63"});
  header_refused("{" + entry("a", "U8", "[2,18446744073709551614]", "[0,4]") + "}", 4,
                 {"header: a.shape", "18446744073709551614"});
  header_refused("{" + entry("a", "U8", "[18446744073709551616]", "[0,4]") + "}", 4,
                 {"header: a.shape"});
}

TEST_CASE("hostile 11: elements times element size wraps") {
  header_refused("{" + entry("a", "F64", "[2305843009213693952]", "[0,0]") + "}", 0,
                 {"'a'", "2^63"});
  header_refused("{" + entry("a", "F32", "[4611686018427387904]", "[0,0]") + "}", 0,
                 {"'a'", "2^63"});
}

TEST_CASE("hostile 12: offsets that are not two integers in order") {
  const char* const bad[] = {"[-1,4]",
                             "[0,4.0]",
                             "[0,1e3]",
                             "[0,4,4]",
                             "[0]",
                             "[]",
                             "\"0,4\"",
                             "null",
                             "[0,\"4\"]",
                             "[[0,4]]",
                             "{}",
                             "[0,true]",
                             "[0,18446744073709551615]"};
  for (const char* offsets : bad) {
    header_refused("{" + entry("a", "U8", "[4]", offsets) + "}", 4, {"header: a", "data_offsets"});
  }
  header_refused("{" + entry("a", "U8", "[4]", "[4,0]") + "}", 4,
                 {"'a'", "data_offsets", "begin <= end"});
}

TEST_CASE("hostile 12: shapes that are not integers, fields that are missing or unknown") {
  for (const char* shape : {"[-1]", "[1.5]", "[1e1]", "[null]", "4", "\"4\"", "[[4]]"}) {
    header_refused("{" + entry("a", "U8", shape, "[0,4]") + "}", 4, {"header: a", "shape"});
  }
  std::string many = "[1";
  for (int i = 0; i < 100; ++i) many += ",1";
  header_refused("{" + entry("a", "U8", many + "]", "[0,1]") + "}", 1,
                 {"header: a", "32 dimensions"});
  header_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, {"header: a", "data_offsets"});
  header_refused("{\"a\":{}}", 0, {"header: a", "dtype"});
  header_refused("{\"a\":{\"dtype\":1}}", 0, {"header: a", "dtype"});
  header_refused("{\"a\":{\"stride\":[1]}}", 0, {"header: a", "'stride'"});
  header_refused("{\"a\":7}", 0, {"header: a"});
}

TEST_CASE("hostile 13: overlap, hole, and data that does not begin at 0") {
  const std::string a = entry("a", "U8", "[4]", "[0,4]");
  header_refused("{" + a + "," + entry("b", "U8", "[4]", "[2,6]") + "}", 6, {"'b'", "overlaps"});
  header_refused("{" + a + "," + entry("b", "U8", "[4]", "[0,4]") + "}", 4, {"overlaps"});
  header_refused("{" + a + "," + entry("b", "U8", "[4]", "[5,9]") + "}", 9, {"'b'", "hole"});
  header_refused("{" + entry("a", "U8", "[4]", "[1,5]") + "}", 5, {"'a'", "hole"});
}

TEST_CASE("hostile 14: bytes behind the last tensor, and bytes missing") {
  const std::string table = "{" + entry("a", "U8", "[4]", "[0,4]") + "}";
  header_refused(table, 5, {"belong to no tensor"});
  header_refused(table, 2, {"'a'", "cut short"});
  header_refused("{}", 1, {"belong to no tensor"});
}

TEST_CASE("hostile 15: tensors of size zero and scalars are accepted") {
  const ScratchDir dir;
  const TensorSource source =
      open_file(dir, safetensors("{" + entry("none", "F32", "[0,9223372036854775807,8]", "[0,0]") +
                                     "," + entry("scalar", "F32", "[]", "[0,4]") + "," +
                                     entry("end", "F16", "[3,0]", "[4,4]") + "}",
                                 4));
  CHECK(source.at("none").elements() == 0);
  CHECK(source.at("none").bytes == 0);
  CHECK(source.at("end").elements() == 0);
  CHECK(source.at("scalar").elements() == 1);
  CHECK(source.at("scalar").shape.empty());
}

TEST_CASE("hostile 16: a dtype we do not know is an error only where it is used") {
  const ScratchDir dir;
  const TensorSource source =
      open_file(dir, safetensors("{" + entry("q", "F4", "[4]", "[0,2]") + "," +
                                     entry("c", "C64", "[1]", "[2,10]") + "," +
                                     entry("a", "F32", "[1]", "[10,14]") + "}",
                                 14));
  CHECK(source.at("q").dtype == TensorDtype::other);
  CHECK(source.at("c").dtype_name == "C64");
  float out[4];
  to_float(source.at("a"), out);  // the neighbours are usable
  check_refused([&] { to_float(source.at("q"), out); }, ErrorCode::unsupported, {"'q'", "F4"});
  check_refused([&] { to_float(source.at("c"), out); }, ErrorCode::unsupported, {"'c'", "C64"});
}

TEST_CASE("hostile 17: bytes that do not fit dtype and shape") {
  header_refused("{" + entry("a", "F16", "[4]", "[0,16]") + "}", 16,
                 {"'a'", "expected 8 bytes", "16"});
  header_refused("{" + entry("a", "F32", "[]", "[0,8]") + "}", 8, {"'a'", "expected 4 bytes"});
  header_refused("{" + entry("a", "F32", "[0]", "[0,4]") + "}", 4, {"'a'", "expected 0 bytes"});
}

TEST_CASE("hostile 20: a git-lfs pointer, a web page or a zip saved as weights") {
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 438\n",
          {"git lfs pull"});
  refused("<!DOCTYPE html>\n<html><head><title>404</title></head></html>", {"HTML page"});
  refused("  <HTML>\n<body>Not Found</body></HTML>", {"HTML page"});
  refused("PK\3\4 and so on and on", {"zip archive", "pytorch_model.bin"});
}

TEST_CASE("safetensors: messages show hostile names safely") {
  const std::string name = "\\u001b[31m\\n" + std::string(1000, 'x');
  const ScratchDir dir;
  const auto path = dir.write("m", safetensors("{" + entry(name, "U8", "[4]", "[0,3]") + "}", 3));
  try {
    open_safetensors(path);
    FAIL("was accepted");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find('\x1b') == std::string::npos);
    CHECK(message.find("\\x1b[31m\\n") != std::string::npos);
    CHECK(message.size() < 400 + path.string().size());
  }
}

TEST_CASE("safetensors: every cut and every changed byte of a header is refused or harmless") {
  const std::string good =
      safetensors("{\"__metadata__\":{\"k\":\"v\"}," + entry("a", "F32", "[2,3]", "[0,24]") + "," +
                      entry("b", "BF16", "[4]", "[24,32]") + "}",
                  32);
  const ScratchDir dir;
  const auto try_open = [&](const std::string& bytes) {
    const auto path = dir.write("m", bytes);
    try {
      const TensorSource source = open_safetensors(path);
      const MappedFile& file = source.files()[0];
      for (const TensorView& t : source.tensors()) {  // what opens, lies inside
        REQUIRE(t.data >= file.data());
        REQUIRE(t.data + t.bytes <= file.data() + file.size());
        if (t.dtype != TensorDtype::other) REQUIRE(t.elements() * dtype_size(t.dtype) == t.bytes);
      }
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  REQUIRE(try_open(good));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_FALSE(try_open(good.substr(0, n)));
  for (std::size_t i = 0; i < good.size() - 32; ++i) {
    for (const int flip : {0x01, 0x02, 0x10, 0x20, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      try_open(bad);
    }
  }
}
