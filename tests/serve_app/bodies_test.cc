// Bodies that are wrong: never a crash, always a reason.
#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

TEST_CASE("HOSTILE 44: what is not JSON is 400") {
  Service service({"embed"});
  const std::vector<std::string> bodies{
      "", " ", "{", "}", "{]", "[", "{\"inputs\"", "{\"inputs\":}", "{\"inputs\":\"a\",}",
      "{\"inputs\":\"a\"} x", "{\"inputs\":\"a\"}{}", "{'inputs':'a'}", "{inputs:\"a\"}",
      "{\"inputs\":\"a\" // c\n}", "{\"inputs\":\"a\nb\"}", "{\"inputs\":\"\\x\"}",
      "{\"inputs\":\"\\u12\"}", "{\"inputs\":01}", "{\"inputs\":+1}", "{\"inputs\":.5}",
      "{\"inputs\":1.}", "{\"inputs\":NaN}", "{\"inputs\":Infinity}", "{\"inputs\":tru}",
      "{\"inputs\":True}", "{\"inputs\":\"a\xff\"}", "{\"inputs\":\"\xed\xa0\x80\"}",
      "{\"inputs\":\"\xc0\xaf\"}", std::string("{\"inputs\":\"a\0b\"}", 16), std::string(1, '\0'),
      // A lone surrogate is no text.
      R"({"inputs":"\ud800"})", R"({"inputs":"\udc00"})", R"({"inputs":"\ud800\u0041"})",
      // A byte order mark, and UTF-16.
      "\xef\xbb\xbf{\"inputs\":\"a\"}", std::string("{\0\"\0i\0", 6), "\xff\xfe{",
      // A key twice means two things.
      R"({"inputs":"a","inputs":"b"})", R"({"inputs":"a","x":{"y":1,"y":2}})",
      // Something else than an object.
      "[]", "\"a\"", "3", "null", "true", R"(["a"])"};
  for (const std::string& body : bodies) {
    INFO(body);
    const Reply reply = service.post_text("/embed", body);
    CHECK(reply.status == 400);
    CHECK(reply.json()["error_type"] == "Validation");
    CHECK_THAT(reply.json()["error"].get<std::string>(), StartsWith("body"));
  }
}

TEST_CASE("HOSTILE 44: depth and the number of values are limited") {
  serve::AppOptions options = test_options({"embed"});
  options.payload_limit = std::uint64_t{4} << 20;
  Service service(options);
  for (const std::size_t depth : {64u, 100u, 100000u}) {
    const std::string body =
        "{\"inputs\":\"a\",\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    check_tei_error(service.post_text("/embed", body), 400, "Validation", "nested deeper");
    check_tei_error(service.post_text("/embed", "{\"x\":" + std::string(depth, '[')), 400,
                    "Validation", "body");
  }
  std::string many = "{\"inputs\":[0";
  for (int i = 0; i < (1 << 20); ++i) many += ",0";
  check_tei_error(service.post_text("/embed", many + "]}"), 400, "Validation", "1048576 values");
}

TEST_CASE("escapes of pairs, of controls and of every plane are texts") {
  Service service({"embed"});
  const Model model = test_model("embed");
  const Json found =
      answer_of(service.post_text("/embed", R"({"inputs":"\ud83d\ude00 \u0000 \u00fc \t"})"));
  CHECK(floats(found[0]) == embedding_of(model, std::string_view("\U0001F600 \0 \u00fc \t", 11)));
}

TEST_CASE("HOSTILE 45: values of other types are 422 and say where") {
  Service service({"embed", "cross"});
  const auto refused = [&](const std::string& path, const std::string& body,
                           const std::string& part) {
    INFO(body);
    check_tei_error(service.post_text(path, body), 422, "Validation", part);
  };
  refused("/embed", R"({})", "inputs");
  refused("/embed", R"({"input":"a"})", "inputs");
  refused("/embed", R"({"inputs":null})", "inputs");
  refused("/embed", R"({"inputs":3})", "inputs");
  refused("/embed", R"({"inputs":true})", "inputs");
  refused("/embed", R"({"inputs":{}})", "inputs");
  refused("/embed", R"({"inputs":["a",3]})", "inputs[1]");
  refused("/embed", R"({"inputs":["a",null]})", "inputs[1]");
  refused("/embed", R"({"inputs":[1.5]})", "inputs[0]");
  refused("/embed", R"({"inputs":[1e999]})", "inputs[0]");
  refused("/embed", R"({"inputs":[-1]})", "inputs[0]");
  refused("/embed", R"({"inputs":[99999999999999999999]})", "inputs[0]");
  refused("/embed", R"({"inputs":[[1,"a"]]})", "inputs[0][1]");
  refused("/embed", R"({"inputs":[[[1]]]})", "inputs[0][0]");
  refused("/embed", R"({"inputs":"a","normalize":"yes"})", "normalize");
  refused("/embed", R"({"inputs":"a","truncate":1})", "truncate");
  refused("/embed", R"({"inputs":"a","dimensions":"8"})", "dimensions");
  refused("/embed", R"({"inputs":"a","dimensions":8.0})", "dimensions");
  refused("/models/cross/rerank", R"({"query":["a"],"texts":["b"]})", "query");
  refused("/models/cross/rerank", R"({"query":"a","texts":"b"})", "texts");
  refused("/models/cross/rerank", R"({"query":"a","texts":[["b"]]})", "texts[0]");
}

TEST_CASE("HOSTILE 45: nothing to compute is 400 Empty, and empty texts are texts") {
  Service service({"embed", "sst2", "cross"});
  for (const char* const body :
       {R"({"inputs":[]})", R"({"inputs":[[]]})", R"({"inputs":["a",[]]})"}) {
    INFO(body);
    const Reply reply = service.post_text("/embed", body);
    CHECK(reply.status == 400);
    CHECK(reply.json()["error_type"] == "Empty");
  }
  check_tei_error(service.post_text("/models/sst2/predict", R"({"inputs":[]})"), 400, "Empty",
                  "inputs");
  check_tei_error(service.post_text("/models/sst2/predict", R"({"inputs":[[]]})"), 422,
                  "Validation", "one text or two");
  answer_of(service.post_text("/embed", R"({"inputs":""})"));
  answer_of(service.post_text("/embed", R"({"inputs":["",""]})"));
  answer_of(service.post_text("/models/sst2/predict", R"({"inputs":["",""]})"));
  answer_of(service.post_text("/models/cross/rerank", R"({"query":"","texts":[""]})"));
}

}  // namespace
}  // namespace sapwood::test
