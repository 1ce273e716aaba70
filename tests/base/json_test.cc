// The one JSON reader: what it accepts and refuses, what it says, and the writer beside it.
#include "base/json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "base/json_writer.h"
#include "sapwood/utf8.h"
#include "scratch.h"

using namespace sapwood;
using namespace sapwood::test;

namespace {

JsonDocument parse(std::string text, const JsonLimits& limits = {}) {
  return JsonDocument::parse(std::move(text), "config.json", limits);
}

// What the document is, written again.
std::string again(std::string text) { return parse(std::move(text)).root().to_json(); }

void refused(const std::string& text, const std::vector<std::string>& parts = {}) {
  INFO(text.substr(0, 100));
  std::vector<std::string> all = parts;
  all.emplace_back("config.json");
  check_refused([&] { parse(text); }, ErrorCode::malformed, all);
}

}  // namespace

TEST_CASE("json: every kind of value") {
  const JsonDocument document =
      parse(R"( {"a": null, "b": [true, false], "c": {"d": "x\u00e9\n"}, "e": -12, "f": 0.5e1} )");
  const JsonValue root = document.root();
  CHECK(root.at("a").is_null());
  CHECK(root.at("b").items()[0].boolean());
  CHECK_FALSE(root.at("b").items()[1].boolean());
  CHECK(root.at("c").at("d").string() == "xé\n");
  CHECK(root.at("e").integer(-100, 100) == -12);
  CHECK(root.at("f").number() == 5);
  CHECK(root.size() == 5);
  CHECK(root.has("e"));
  CHECK_FALSE(root.has("a"));
  CHECK_FALSE(root.has("z"));
  CHECK(root.find("a").has_value());
  CHECK(root.boolean("z", true));
  CHECK(root.integer("z", 0, 9, 7) == 7);
  CHECK(again(R"({"a":[],"b":{},"c":[[1],{"x":[2]}]})") ==
        R"({"a":[],"b":{},"c":[[1],{"x":[2]}]})");
}

TEST_CASE("json: a document may be one scalar, and may begin with a byte order mark") {
  CHECK(again("12") == "12");
  CHECK(again(" \"a b\" ") == "\"a b\"");
  CHECK(again("null") == "null");
  CHECK(again("\xEF\xBB\xBF[1]") == "[1]");
  refused("12 13");
  refused("12,13");
  refused("1]");
  refused("[\xEF\xBB\xBF]");
}

TEST_CASE("json: numbers keep their text, of any length") {
  CHECK(again("[1000000000000000019884624838656]") == "[1000000000000000019884624838656]");
  CHECK(again("[1e400,-0,0.10,1E+2]") == "[1e400,-0,0.10,1E+2]");
  CHECK(std::isinf(parse("1e400").root().number()));
  CHECK(parse("1e-400").root().number() == 0);
  CHECK(parse("1000000000000000019884624838656").root().number() == 1e30);
  for (const char* text : {"1.0", "1e2", "2", "-2", "99999999999999999999", "\"1\"", "true"}) {
    INFO(text);
    check_refused([&] { parse(text).root().integer(-1, 1); }, ErrorCode::malformed,
                  {"a whole number from -1 to 1"});
  }
}

TEST_CASE("json: nothing but blanks, tabs and ends of lines is white space, also behind a number") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      CHECK(again("[1" + std::string(1, c) + ",true" + c + ",\"\"" + c + "]") == "[1,true,\"\"]");
    } else if ((c < '0' || c > '9') && c != ',' && c != ']') {
      for (const char* const value : {"1", "true", "\"\"", "null", "[]", "{}"}) {
        refused("[" + std::string(value) + c + "]");
        refused("{\"a\":" + std::string(value) + c + "}");
        refused(std::string(value) + c);
      }
    }
  }
}

TEST_CASE("json: what is not JSON is refused") {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "[1,2",
                           "{\"a\":1}x",
                           "{\"a\":1,}",
                           "[1 2]",
                           "[1,,2]",
                           "[,1]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\" 1}",
                           "{a:1}",
                           "[}",
                           "{]",
                           "[1}",
                           "{\"a\":1]",
                           "[1]]",
                           "tru",
                           "[truex]",
                           "[nulll]",
                           "[nan]",
                           "[-]",
                           "[+1]",
                           "[01]",
                           "[1.]",
                           "[.5]",
                           "[1e]",
                           "[1e+]",
                           "[0x1]",
                           "[-Infinity]",
                           "\"a",
                           "[\"a\tb\"]",
                           "[\"\\x\"]",
                           "[\"\\u12\"]",
                           "[\"\\ud800\"]",
                           "[\"\\udc00\"]",
                           "[\"\\ud800\\u0041\"]",
                           "['a']",
                           "[1]//x",
                           "/**/[1]",
                           "[\"a\"\"b\"]",
                           "{\"a\":1 \"b\":2}",
                           "[1,]",
                           "[\"\xff\"]",
                           "[\"\xed\xa0\x80\"]",
                           "\xff"}) {
    refused(text);
  }
  refused(std::string("[1]\0", 4));
  refused(std::string("[1]\0\0[2]", 8));
  refused(std::string("\0[1]", 4));
  refused("[\"" + std::string(1, '\0') + "\"]");
}

TEST_CASE("json: a syntax error says where it is") {
  refused("{\n  \"a\": 1,\n  \"b\": tru\n}", {"line 3, column 8"});
  // Of a text of one line, such as a record, the column alone.
  refused("{\"a\": tru}", {"near column 7"});
  refused("tru", {"near column 1"});
  refused("[\"\xff\"]", {"not UTF-8 at byte 2"});
}

TEST_CASE("hostile 6, 44: nesting is bounded, and nothing recurses on the way out") {
  CHECK(again(std::string(64, '[') + std::string(64, ']')).size() == 128);
  refused(std::string(65, '[') + std::string(65, ']'), {"deeper than 64"});
  refused(std::string(100'000, '['), {"deeper than 64"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  refused(objects, {"deeper than 64"});
}

TEST_CASE("json: the number of values is bounded before memory is taken for them") {
  std::string list = "[0";
  for (int i = 0; i < 999; ++i) list += ",0";
  list += "]";
  CHECK(parse(list, {.values = 1001}).root().size() == 1000);
  check_refused([&] { parse(list, {.values = 1000}); }, ErrorCode::malformed, {"at most 1000"});
}

TEST_CASE("json: of a key that comes twice the last one counts, and it is told") {
  const JsonDocument document = parse(R"({"a":1,"b":{"c":1,"d":2,"c":3},"a":2})");
  CHECK(document.root().at("a").integer(0, 9) == 2);
  CHECK(document.root().at("b").at("c").integer(0, 9) == 3);
  CHECK(document.doubled_keys() == std::vector<std::string>{"config.json: b.c", "config.json: a"});
  check_refused([] { parse(R"({"a":{"b":1,"b":1}})", {.doubled_keys = DoubledKeys::error}); },
                ErrorCode::malformed, {"config.json: a.b", "twice"});
  CHECK(parse(R"([{"a":1},{"a":1}])").doubled_keys().empty());
  CHECK(parse("{\"a\":1,\"\\u0061\":2}").doubled_keys().size() ==
        1);  // the same, spelled otherwise
  std::string many = "{";
  for (int i = 0; i < 5000; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  CHECK(parse(many + "\"z\":0}").doubled_keys().empty());
  CHECK(parse(many + "\"k77\":0}").doubled_keys() == std::vector<std::string>{"config.json: k77"});
}

TEST_CASE("json: an error names the document, the place and what was found") {
  const JsonDocument document =
      parse(R"({"a":{"b":[1,{"c":"x"}]},"long":")" + std::string(500, 'y') + R"(","e\u001b":[]})");
  const JsonValue root = document.root();
  const JsonValue c = root.at("a").at("b").items()[1].at("c");
  CHECK(c.path() == "config.json: a.b[1].c");
  check_refused([&] { c.integer(0, 3); }, ErrorCode::malformed,
                {"config.json: a.b[1].c: expected a whole number from 0 to 3, found 'x'"});
  check_refused([&] { root.at("a").at("x"); }, ErrorCode::malformed,
                {"config.json: a: lacks", "'x'"});
  check_refused([&] { root.at("a").string(); }, ErrorCode::malformed, {"found an object"});
  check_refused([&] { root.at("a").at("b").at("c"); }, ErrorCode::malformed,
                {"expected an object"});
  check_refused([&] { root.at("long").boolean(); }, ErrorCode::malformed, {"'yyy", "yyy...'"});
  check_refused([&] { root.at("e\x1b").boolean(); }, ErrorCode::malformed, {"'e\\x1b': expected"});
  check_refused([&] { root.fail_at("z", "is wrong"); }, ErrorCode::malformed,
                {"config.json: z: is wrong"});
}

TEST_CASE("json: random documents are read as another library reads them") {
  std::mt19937 random(7);
  const auto any = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const std::function<nlohmann::ordered_json(int)> make = [&](int depth) -> nlohmann::ordered_json {
    switch (any(depth > 5 ? 4 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return any(2) == 0;
      case 2:
        return any(1000) - 500;
      case 3: {
        std::string text;
        for (int i = any(8); i > 0; --i) utf8::append(text, static_cast<char32_t>(1 + any(0xD7FE)));
        return text;
      }
      case 4: {
        auto list = nlohmann::ordered_json::array();
        for (int i = any(5); i > 0; --i) list.push_back(make(depth + 1));
        return list;
      }
      default: {
        auto object = nlohmann::ordered_json::object();
        for (int i = any(5); i > 0; --i) object["k" + std::to_string(i)] = make(depth + 1);
        return object;
      }
    }
  };
  for (int i = 0; i < 2000; ++i) {
    const nlohmann::ordered_json json = make(0);
    CHECK(again(json.dump(i % 3 == 0 ? 2 : -1, ' ', i % 2 == 0)) == json.dump());
  }
}

TEST_CASE("json: damaged documents are refused where another library refuses them") {
  const std::string good =
      R"({"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00\n"],"b":{"c":{},"d":[[]]},"e":"","f":1e-7})";
  std::mt19937 random(11);
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1 + random() % 3);
      } else {
        text[at] = R"({}[]",:0-.eE\u tfn)"[random() % 18];
      }
      if (text.empty()) text = " ";
    }
    // It reads numbers beyond double's range as errors, which we keep as text.
    bool theirs = nlohmann::json::accept(text), ours = true;
    try {
      parse(text);
    } catch (const Error&) {
      ours = false;
    }
    INFO(text);
    if (theirs || text.find_first_of("eE") == text.npos) CHECK(ours == theirs);
    accepted += ours;
  }
  CHECK(accepted > 100);
}

TEST_CASE("json writer: commas, quotes, escapes, numbers") {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("a", 1).member("b", "x\"\\\n\x01é").key("c").begin_array();
  writer.value(true).null().value(-5).begin_object().end().begin_array().end().end();
  writer.member("d", 0.25f).member("e", 1.0f).member("f", std::nanf("")).key("g").raw("[1]").end();
  CHECK(
      out ==
      R"({"a":1,"b":"x\"\\\n\u0001é","c":[true,null,-5,{},[]],"d":0.25,"e":1.0,"f":null,"g":[1]})");
  CHECK(again(out) == out);
  std::string text;
  JsonWriter(text).value("a\xff\xc3");
  CHECK(text == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  std::string number;
  JsonWriter(number).value(0.9987f);
  CHECK(number == "0.9987");
  std::string vector;
  const std::vector<float> numbers{1.0f, -0.5f, std::nanf("")};
  JsonWriter(vector).begin_object().member("v", numbers).member("w", std::vector<float>{}).end();
  CHECK(vector == R"({"v":[1,-0.5,null],"w":[]})");
}

TEST_CASE("json writer: indented, as other libraries write it") {
  const std::string text = R"({"a":[1,{"b":[]}],"c":{},"d":"x"})";
  std::string out;
  JsonWriter writer(out, 2);
  parse(text).root().write(writer);
  CHECK(out == nlohmann::ordered_json::parse(text).dump(2));
}
