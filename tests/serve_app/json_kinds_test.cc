// Every kind of JSON that parsers disagree about (the kinds of JSONTestSuite: what a parser must accept, must refuse, and
// may do either with), wherever a value may stand in a body.
#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

using Texts = std::vector<std::string>;

std::string repeat(std::size_t count, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// --- what is JSON

Texts good_numbers() {
  Texts all;
  for (const char* sign : {"", "-"}) {
    for (const char* whole : {"0", "7", "123456789012345678901234567890"}) {
      for (const char* fraction : {"", ".0", ".5", ".000000000000000000000000000000000001"}) {
        for (const char* exponent :
             {"", "e0", "E1", "e+1", "E-22", "e999", "e-999", "e00012345678901"}) {
          all.push_back(std::string(sign) + whole + fraction + exponent);
        }
      }
    }
  }
  return all;
}

Texts good_strings() {
  Texts all{R"("")",
            R"(" ")",
            R"("\"\\\/\b\f\n\r\t")",
            R"("\u0000")",
            R"("\u0061\u00E9\u20ac")",
            R"("\ud83d\ude00")",
            R"("\uDBFF\uDFFF")",
            R"("\uFFFE\uFDD0")",
            R"("/*comment*/ // #")",
            R"("\\n \\u0041")",
            "\"\x7f\"",
            "\"\xe2\x80\xa8\xe2\x80\xa9\"",
            "\"\xef\xbb\xbf\"",
            "\"" + std::string(10'000, 'x') + "\""};
  // The first and the last code point of each length in UTF-8, and around the surrogates.
  for (const char* utf8 :
       {"\x20", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    all.push_back("\"" + std::string(utf8) + "\"");
  }
  return all;
}

Texts good_structures() {
  return {"null",
          "true",
          "false",
          "[]",
          "{}",
          "[ ]",
          "{ }",
          "\t[\n1\r,2 ]",
          "[null,1,\"1\",{},[]]",
          "[[]   ]",
          R"({"":0})",
          R"({"a":{"a":{"a":1}}})",
          R"({"a":1,"A":2,"a ":3,"\u0000":4})",
          repeat(60, "[") + repeat(60, "]"),
          repeat(60, "{\"a\":") + "1" + repeat(60, "}"),
          "[" + repeat(10'000, "0,") + "0]"};
}

// --- what is none

Texts bad_numbers() {
  Texts all{"NaN", "nan", "-NaN", "Inf",   "-Inf",  "Infinity", "-Infinity",
            "-",   "+",   "--1",  "++1",   "- 1",   "-+1",      "1+2",
            "1-",  "0x1", "0x",   "1_000", "1 000", "1,000.",   "1a",
            "1.a", "1ea", "-a",   "-1x",   "0b1",   "1f",       "\xef\xbc\x91"};
  for (const char* sign : {"", "-"}) {
    for (const char* number : {"00", "01", "012", "0e", "0e+", "1e", "1E-", "1.", "1.e1", "1.0e",
                               "1.0e+", ".1", ".", "1.2.3", "1ee1", "1e1.5", "1e1e1"}) {
      all.push_back(std::string(sign) + number);
    }
  }
  for (const std::string& number : Texts{"1", "0.5", "1e5"}) all.push_back("+" + number);
  return all;
}

Texts bad_strings() {
  Texts all{"\"",          "'a'",         "\"a",           "a\"",         "\"\\\"",
            "\"\\",        "a",           "\xc3\xa9",      "\"a\"b",      "\"\\u\"",
            "\"\\u0\"",    "\"\\u00\"",   "\"\\u004\"",    "\"\\u00zz\"", "\"\\U0041\"",
            "\"\\u-041\"", "\"\\u 041\"", "\"\\\xc3\xa9\""};
  for (char c = 1; c < 0x20; ++c) {  // unescaped
    all.push_back("\"a" + std::string(1, c) + "\"");
    all.push_back("\"\\" + std::string(1, c) + "\"");
  }
  all.push_back(std::string("\"\0\"", 3));
  all.push_back(std::string("\"\\\0\"", 4));
  for (char c = 0x20; c < 0x7f; ++c) {  // escapes that there are not
    if (std::string("\"\\/bfnrtu").find(c) == std::string::npos)
      all.push_back("\"\\" + std::string(1, c) + "\"");
  }
  return all;
}

Texts bad_utf8() {
  Texts all;
  for (const char* bytes : {"\x80",
                            "\xbf",
                            "\xc0\x80",
                            "\xc1\xbf",
                            "\xc3",
                            "\xc3(",
                            "\xe0\x80\x80",
                            "\xe0\x9f\xbf",
                            "\xe2\x82",
                            "\xed\xa0\x80",
                            "\xed\xbf\xbf",
                            "\xed\xa0\xbd\xed\xb8\x80",
                            "\xf0\x80\x80\x80",
                            "\xf0\x8f\xbf\xbf",
                            "\xf0\x9f\x98",
                            "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80",
                            "\xf8\x88\x80\x80\x80",
                            "\xfc\x84\x80\x80\x80\x80",
                            "\xfe",
                            "\xff",
                            "a\xe9"}) {
    all.push_back("\"" + std::string(bytes) + "\"");
    all.push_back("\"\\u0041" + std::string(bytes) + "\"");
    all.push_back(bytes);
  }
  return all;
}

// Half a character in UTF-16.
Texts lone_surrogates() {
  Texts all;
  for (const char* escapes :
       {"\\ud800", "\\udbff", "\\udc00", "\\udfff", "\\ud800\\ud800", "\\udc00\\ud800", "\\ud800a",
        "\\ud800\\n", "\\ud800\\u0041", "\\ude00\\ud83d", "\\ud800\\u", "\\ud800\\udc0",
        "\\uD800\\uD800\\uDC00"}) {
    all.push_back("\"" + std::string(escapes) + "\"");
    all.push_back("\"x" + std::string(escapes) + "y\"");
  }
  return all;
}

Texts bad_structures() {
  return {"[1 2]",
          "[1,]",
          "[1,,2]",
          "[,1]",
          "[,]",
          "[1,]]",
          "[1]]",
          "[1",
          "[",
          "]",
          "[1}",
          "[1;2]",
          "[1:2]",
          "[\"\": 1]",
          "[1,\n",
          "[[",
          "[]]",
          "[*]",
          "[-]",
          "[a]",
          "{",
          "}",
          "{]",
          "{\"a\"}",
          "{\"a\":}",
          "{:1}",
          "{\"a\":1,}",
          "{\"a\":1,,}",
          "{,}",
          "{\"a\":1,,\"b\":2}",
          "{\"a\"::1}",
          "{\"a\" 1}",
          "{\"a\",1}",
          "{\"a\":1 \"b\":2}",
          "{\"a\":1;\"b\":2}",
          "{1:1}",
          "{null:1}",
          "{[]:1}",
          "{'a':1}",
          "{a:1}",
          "{\"a\":'b'}",
          "{\"a\":a}",
          "{\"a\":1}}",
          "{\"a\":[}",
          "{\"a",
          "tru",
          "True",
          "TRUE",
          "fals",
          "nul",
          "None",
          "undefined",
          "truee",
          "nulll",
          "<null>",
          "(1)",
          "1 // c",
          "1 /* c */",
          "/* c */ 1",
          "1 # c",
          "[1 /* c */, 2]",
          "{\"a\":1}/**/",
          "{\"a\":1}//",
          "//\n1",
          "1\v",
          "\f1",
          "\xc2\xa0"
          "1",
          "\xe2\x81\xa0"
          "1",
          "1\xef\xbb\xbf",
          "\xef\xbb\xbf"
          "1",
          std::string("1\0", 2),
          std::string("\0"
                      "1",
                      2),
          repeat(100, "["),
          repeat(100, "[") + repeat(100, "]"),
          repeat(100'000, "["),
          repeat(100'000, "{\"a\":"),
          repeat(500, "[") + repeat(500, "]"),
          R"({"a":1,"a":1})",
          R"({"a":1,"\u0061":2})",
          R"([{"a":1,"b":{"c":1,"c":1}}])"};
}

// Where a value may stand in a body whose other parts are good. The route does not read it: only whether it is JSON counts.
Texts in_places(const std::string& value) {
  return {"{\"inputs\":\"a\",\"x\":" + value + "}", "{\"x\": " + value + " ,\"inputs\":\"a\"}",
          "{\"inputs\":\"a\",\"x\":[0," + value + "]}",
          "{\"inputs\":\"a\",\"x\":{\"y\":" + value + "}}"};
}

Texts as_key(const std::string& text) { return {"{\"inputs\":\"a\"," + text + ":1}"}; }

// By a route that computes nothing, because there are thousands.
void check_all(Service& service, const Texts& bodies, int status) {
  for (const std::string& body : bodies) {
    const Reply reply = service.post_text("/tokenize", body);
    INFO(body.substr(0, 300) << " " << reply.body.substr(0, 300));
    CHECK(reply.status == status);
    CHECK(reply.body.size() < 10'000);
    if (status == 200) continue;
    CHECK(reply.json()["error_type"] == "Validation");
    CHECK_THAT(reply.json()["error"].get<std::string>(), StartsWith("body"));
  }
}

TEST_CASE("HOSTILE 44: JSON of every good kind is read, wherever it stands") {
  Service service({"embed"});
  for (const Texts& kind : {good_numbers(), good_strings(), good_structures()}) {
    for (const std::string& value : kind) check_all(service, in_places(value), 200);
  }
  for (const std::string& key : good_strings()) check_all(service, as_key(key), 200);
}

TEST_CASE("HOSTILE 44: what is no JSON, or means two things, is 400 wherever it stands") {
  Service service({"embed"});
  for (const Texts& kind :
       {bad_numbers(), bad_strings(), bad_utf8(), lone_surrogates(), bad_structures()}) {
    for (const std::string& value : kind) check_all(service, in_places(value), 400);
  }
  for (const Texts& kind : {bad_strings(), bad_utf8(), lone_surrogates(), bad_numbers()}) {
    for (const std::string& key : kind) check_all(service, as_key(key), 400);
  }
}

TEST_CASE("HOSTILE 44: a body that is JSON but no object is 400") {
  Service service({"embed"});
  for (const Texts& kind : {good_numbers(), good_strings()}) check_all(service, kind, 400);
  check_all(service, {"null", "true", "false", "[]", "[{}]", "[\"a\"]", "", " ", "\n\n", "\t"},
            400);
}

TEST_CASE("HOSTILE 44: a body cut at any byte, and one with anything behind it, is 400") {
  Service service({"embed"});
  const std::string body =
      "{\"inputs\":[\"\xc3\xa9 \\ud83d\\ude00 "
      "\\n\xf0\x9f\x98\x80\",\"b\"],\"x\":[1.5e-3,{\"y\":[null,true,{}]}]}";
  check_all(service, {body, body + " ", body + "\n", " " + body}, 200);
  for (std::size_t size = 0; size < body.size(); ++size)
    check_all(service, {body.substr(0, size)}, 400);
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    check_all(service, {body + c, c + body}, space ? 200 : 400);
  }
  check_all(service, {body + body, body + "," + body, body + std::string(100, '}')}, 400);
}

TEST_CASE("HOSTILE 44: other encodings than UTF-8 are 400") {
  Service service({"embed"});
  const std::string body = "{\"inputs\":\"a\"}";
  for (const std::size_t width : {2u, 4u}) {
    for (const bool big : {false, true}) {
      for (const bool mark : {false, true}) {
        std::string wide;
        const auto append = [&](unsigned point) {
          for (std::size_t i = 0; i < width; ++i) {
            wide += static_cast<char>(point >> 8 * (big ? width - 1 - i : i) & 255);
          }
        };
        if (mark) append(0xfeff);
        for (const char c : body) append(static_cast<unsigned char>(c));
        check_all(service, {wide}, 400);
      }
    }
  }
  check_all(service,
            {"\xef\xbb\xbf" + body, "\xef\xbb\xbf", "\xef\xbb", "\xef", "+ADw-" + body,
             "{\"inputs\":\"\xe9t\xe9\"}"},
            400);
}

TEST_CASE("HOSTILE 44: numbers that are no number of anything are 422, and name the field") {
  Service service({"embed"});
  for (const char* number : {"1e999", "-1e999", "1e-999", "-0.0", "0.0", "1.0", "1E0", "-1",
                             "123456789012345678901234567890"}) {
    INFO(number);
    check_tei_error(service.post_text("/embed", "{\"inputs\":[" + std::string(number) + "]}"), 422,
                    "Validation", "inputs[0]");
    check_tei_error(service.post_text(
                        "/embed", "{\"inputs\":\"a\",\"dimensions\":" + std::string(number) + "}"),
                    422, "Validation", "dimensions");
  }
  // Minus nought is a whole number, and the first token of every vocabulary.
  answer_of(service.post_text("/embed", "{\"inputs\":[-0]}"));
}

}  // namespace
}  // namespace sapwood::test
