// How much a small request may make of itself: answers, texts of errors, and memory have bounds.
#include <unistd.h>

#include <fstream>
#include <thread>

#include "catch.h"
#include "sanitizer.h"
#include "service.h"

namespace sapwood::test {
namespace {

using namespace std::chrono_literals;

std::size_t resident_bytes() {
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Json infer_body(const std::vector<std::string>& texts) {
  return {
      {"inputs",
       {{{"name", "text"}, {"shape", {texts.size()}}, {"datatype", "BYTES"}, {"data", texts}}}}};
}

std::string repeated(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::string masks(int count) { return repeated("[MASK] ", count); }

TEST_CASE("fills of many masks, each of which repeats the text, are 413 beyond a megabyte or so") {
  Service service({"mlm"});
  const auto fill = [&](const Json& inputs, int top_k) {
    return service.post("/", {{"inputs", inputs}, {"parameters", {{"top_k", top_k}}}});
  };
  check_tei_error(fill(masks(200), 800), 413, "Validation", "lower top_k");
  check_tei_error(fill(masks(8), 1 << 20), 413, "Validation", "lower top_k");
  check_tei_error(fill(std::vector<std::string>(32, masks(100)), 5), 413, "Validation",
                  "lower top_k");
  const Json found = answer_of(fill(masks(100), 5));
  CHECK(found.size() == 100);
  CHECK(answer_of(fill("a [MASK]", 1000)).size() == 1000);
  CHECK(answer_of(service.post("/v2/models/mlm/infer",
                               infer_body(std::vector<std::string>(32, masks(100)))),
                  413)["error"]
            .get<std::string>()
            .find("lower top_k") != std::string::npos);
}

TEST_CASE("more answers than anybody reads, and labels that nobody has, are 422") {
  Service service({"qa", "ner"});
  const Json question{{"question", "Where?"}, {"context", "By the sea. In a house."}};
  const auto ask = [&](int top_k) {
    return service.post(
        "/models/qa",
        {{"inputs", question}, {"parameters", {{"top_k", top_k}, {"max_answer_len", 1000}}}});
  };
  answer_of(ask(1000));
  check_tei_error(ask(1001), 422, "Validation", "top_k");
  const auto name = [&](std::size_t labels) {
    return service.post(
        "/models/ner",
        {{"inputs", "Anna"},
         {"parameters", {{"ignore_labels", std::vector<std::string>(labels, "X")}}}});
  };
  answer_of(name(1000));
  check_tei_error(name(1001), 422, "Validation", "ignore_labels");
}

TEST_CASE("windows that overlap nearly whole do not multiply a text") {
  Service service({"qa", "ner"});
  std::string context;
  for (int i = 0; i < 400'000; ++i) context += "a ";
  const Reply answer =
      service.post("/models/qa", {{"inputs", {{"question", "a?"}, {"context", context}}},
                                  {"parameters", {{"doc_stride", 40}, {"max_seq_len", 50}}}});
  CHECK((answer.status == 413 || answer.status == 422));
  const Reply names =
      service.post("/models/ner", {{"inputs", context}, {"parameters", {{"stride", 500}}}});
  CHECK((names.status == 413 || names.status == 422));
}

TEST_CASE("what a client wrote is quoted in errors, and cut") {
  Service service({"embed", "sst2", "cross"});
  const std::string large(100'000, 'x'), rude = repeated("\x1b[2J\n", 20'000);
  const auto check = [](const Reply& reply) {
    INFO(reply.body.substr(0, 500));
    CHECK(reply.status >= 400);
    CHECK(reply.body.size() < 3000);
    CHECK(reply.body.find('\x1b') == std::string::npos);
    CHECK_NOTHROW(reply.json());
  };
  for (const std::string& text : {large, rude}) {
    check(service.post("/v1/embeddings", {{text, 1}, {"input", "a"}}));
    check(service.post("/v1/embeddings", {{"input", "a"}, {"model", text}}));
    check(service.post("/v1/embeddings", {{"input", {{text, 1}}}}));
    check(service.post("/v1/embeddings", {{"input", "a"}, {"encoding_format", text}}));
    check(service.post("/embed", {{"inputs", {{text, {{text, 1}}}}}}));
    check(service.post("/embed", {{"inputs", "a"}, {"truncation_direction", text}}));
    check(service.post("/embed", {{"inputs", "a"}, {"truncate", text}}));
    check(service.post_text("/embed", Json(text).dump()));
    check(service.post_text("/embed",
                            "{\"a\":{" + Json(text).dump() + ":1," + Json(text).dump() + ":2}}"));
    check(service.post_text("/embed", "{\"inputs\":" + std::string(100'000, '9') + "}"));
    check(service.post("/models/sst2",
                       {{"inputs", "a"}, {"parameters", {{"function_to_apply", text}}}}));
    check(service.post(
        "/v2/models/embed/infer",
        {{"inputs", {{{"name", text}, {"shape", {1}}, {"datatype", "BYTES"}, {"data", {"a"}}}}}}));
    check(service.post(
        "/v2/models/embed/infer",
        {{"inputs", {{{"name", "text"}, {"shape", {1}}, {"datatype", text}, {"data", {"a"}}}}}}));
    check(service.post("/" + text, Json::object()));
    check(service.post("/models/" + text + "/embed", Json::object()));
    check(service.post("/embed", {{"inputs", "a"}}, {{"x-request-timeout-ms", text}}));
    check(service.post("/v2/models/embed/infer", {{"inputs", "a"}},
                       {{"inference-header-content-length", text}}));
  }
}

TEST_CASE("HOSTILE 46: refused requests, single or lists, leave no memory behind") {
  serve::AppOptions options = test_options({"embed"});
  options.max_wait = 0ms;
  Service service(options);
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word ";
  const Json list{{"inputs", std::vector<std::string>(sanitized("long lists") ? 8 : 32, text)}};
  const std::string single = Json{{"inputs", text}}.dump();
  std::size_t before = 0, after = 0;
  int refused[2] = {0, 0};
  for (int round = 0; round < 6; ++round) {
    // Whoever comes while this is computed would have to wait.
    const auto busy = service.start(make_request("POST", "/embed", list.dump()));
    REQUIRE(busy != nullptr);
    // A long body is tokenised first: until then the service is idle, and takes what comes.
    while (!busy->answered() &&
           service.get("/metrics").body.find("te_queue_size 0\n") != std::string::npos) {
    }
    while (!busy->answered()) {
      for (const bool many : {false, true}) {
        const auto exchange = std::make_shared<FakeExchange>(
            make_request("POST", "/embed", many ? list.dump() : single));
        service.app().handle(exchange);
        const Reply reply = exchange->wait();
        if (reply.status == 200) continue;
        check_tei_error(reply, 429, "Overloaded", "come again in");
        CHECK_FALSE(reply.header("retry-after").empty());
        CHECK_FALSE(reply.header("retry-after-ms").empty());
        ++refused[many ? 1 : 0];
      }
    }
    CHECK(
        (busy->wait().status == 200 || busy->wait().status == 429));  // another one may come first
    if (round == 1) before = resident_bytes();
    after = resident_bytes();
  }
  CHECK(refused[0] > 0);
  CHECK(refused[1] > 0);
  if (!sanitized("memory of refused requests, because it keeps more"))
    CHECK(after < before + (16u << 20));
  // A request is under way for a moment longer than its client waits.
  const auto idle = [&] {
    const std::string metrics = service.get("/metrics").body;
    return metrics.find("sapwood_requests_under_way 0\n") != metrics.npos &&
           metrics.find("te_queue_size 0\n") != metrics.npos;
  };
  for (int i = 0; i < 4000 && !idle(); ++i) std::this_thread::sleep_for(5ms);
  CHECK(idle());
}

TEST_CASE(
    "HOSTILE 45: a bad item fails its own request, and others in the same run have their answers") {
  Service service({"embed"});
  const Model model = test_model("embed");
  std::vector<std::shared_ptr<FakeExchange>> good, bad;
  for (int i = 0; i < 30; ++i) {
    good.push_back(service.start(
        make_request("POST", "/embed", Json{{"inputs", {"good " + std::to_string(i)}}}.dump())));
    const Json inputs = i % 3 == 0   ? Json{"fine", 7}
                        : i % 3 == 1 ? Json{"fine", nullptr}
                                     : Json{"fine", {999999999}};
    bad.push_back(service.start(make_request("POST", "/embed", Json{{"inputs", inputs}}.dump())));
  }
  for (int i = 0; i < 30; ++i) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(floats(answer_of(good[at]->wait())[0]) ==
          embedding_of(model, "good " + std::to_string(i)));
    const Reply refused = bad[at]->wait();
    CHECK(refused.status == 422);
    CHECK_THAT(refused.json()["error"].get<std::string>(), ContainsSubstring("inputs[1]"));
  }
}

TEST_CASE("HOSTILE 47: texts longer than a run's budget are computed alone, and nothing spins") {
  serve::AppOptions options = test_options({"embed"});
  options.batch_tokens = 1;
  Service service(options);
  std::string text;
  for (int i = 0; i < 900; ++i) text += "word ";
  const Json found = answer_of(service.post("/embed", {{"inputs", {text, "a", text}}}));
  CHECK(floats(found[0]) == embedding_of(test_model("embed"), text));
  CHECK(found[0] == found[2]);
  CHECK(floats(found[1]) == embedding_of(test_model("embed"), "a"));
  CHECK_THAT(service.get("/metrics").body, ContainsSubstring("sapwood_runs_total 3\n"));
}

}  // namespace
}  // namespace sapwood::test
