// What a request's head decides: keys, paths, methods, sizes, deadlines, names for the log.
#include <set>

#include "catch.h"
#include "routes.h"
#include "service.h"

namespace sapwood::test {
namespace {

using namespace std::chrono_literals;

std::optional<serve::HttpResponse> ask(Service& service, const std::string& method,
                                       const std::string& path, serve::Headers headers = {},
                                       std::optional<std::uint64_t> length = std::nullopt) {
  serve::HttpRequest head = make_request(method, path, {}, std::move(headers));
  return service.app().refuse(head, length);
}

std::string header_of(const serve::HttpResponse& response, std::string_view name) {
  const std::string* const value = serve::find_header(response.headers, name);
  return value == nullptr ? "" : *value;
}

TEST_CASE("the API key is asked for everywhere but where probes and scrapers ask") {
  serve::AppOptions options = test_options({"embed"});
  options.api_key = "secret";
  Service service(options);
  const std::set<std::string> open{"/",        "/health",         "/ping",
                                   "/metrics", "/v2/health/live", "/v2/health/ready"};
  for (const serve::Route& route : serve::all_routes()) {
    std::string path(route.path);
    if (const auto at = path.find("{model}"); at != path.npos) path.replace(at, 7, "embed");
    const auto refusal = ask(service, std::string(route.method), path);
    INFO(route.method << " " << path);
    CHECK(refusal.has_value() == !(route.method == "GET" && open.contains(path)));
    if (!refusal) continue;
    CHECK(refusal->status == 401);
    CHECK(header_of(*refusal, "www-authenticate") == "Bearer");
    CHECK_FALSE(
        ask(service, std::string(route.method), path, {{"authorization", "Bearer secret"}}));
  }
  for (const char* const wrong : {"Bearer secre", "Bearer secretx", "Bearer Secret", "secret",
                                  "Basic secret", "Bearer ", "Bearer", "Bearer secretsecret", ""}) {
    INFO(wrong);
    const auto refusal = ask(service, "POST", "/embed", {{"authorization", wrong}});
    REQUIRE(refusal);
    CHECK(refusal->status == 401);
  }
  CHECK_FALSE(ask(service, "POST", "/embed", {{"authorization", "bearer secret"}}));
  // A path that there is not is no business of somebody without the key.
  CHECK(ask(service, "GET", "/nothing")->status == 401);
  // The transport that would not ask first changes nothing.
  const auto exchange = std::make_shared<FakeExchange>(
      make_request("POST", "/embed", R"({"inputs": "a"})", {{"authorization", "Bearer no"}}));
  service.app().handle(exchange);
  CHECK(exchange->wait().status == 401);
}

TEST_CASE("HOSTILE 51: unknown paths are 404 and wrong methods 405 with those allowed") {
  Service service({"embed"});
  for (const char* const path :
       {"/nothing", "/embed/", "//", "/models/", "/models/other/embed", "/models/embedx",
        "/models/embed/v2/models/embed/infer", "/v2/health", "/v1/models/", "/../embed"}) {
    INFO(path);
    const auto refusal = ask(service, "GET", path);
    REQUIRE(refusal);
    CHECK(refusal->status == 404);
  }
  const auto allow = [&](const char* method, const char* path) {
    const auto refusal = ask(service, method, path);
    REQUIRE(refusal);
    CHECK(refusal->status == 405);
    return header_of(*refusal, "allow");
  };
  CHECK(allow("GET", "/embed") == "POST");
  CHECK(allow("PUT", "/") == "GET, HEAD, POST");
  CHECK(allow("POST", "/health") == "GET, HEAD");
  CHECK(allow("DELETE", "/models/embed/embed") == "POST");
  CHECK(allow("GET", "/v2/models/embed/infer") == "POST");
  CHECK_FALSE(ask(service, "HEAD", "/health"));
}

TEST_CASE("a refusal by the head has the format of its path, also under /models/NAME") {
  Service service({"embed"});
  const std::vector<std::pair<std::string, std::string>> members{
      {"/models/embed/embed", "/error_type"},
      {"/models/embed/v1/embeddings", "/error/code"},
      {"/models/embed/embeddings", "/error/code"},
      {"/models/embed/v1/rerank", "/message"},
      {"/models/embed/v2/rerank", "/message"},
      {"/v2/models/embed/infer", "/error"},
      {"/api/embed", "/error"}};
  for (const auto& [path, member] : members) {
    const auto refusal = ask(service, "POST", path, {{"x-request-timeout-ms", "soon"}}, 2);
    INFO(path);
    REQUIRE(refusal);
    CHECK(refusal->status == 422);
    const Json body = Json::parse(refusal->body);
    CHECK(body.contains(Json::json_pointer(member)));
    CHECK(body.contains("error_type") == (member == "/error_type"));
  }
}

TEST_CASE("of names that begin alike the longest counts") {
  serve::AppOptions options = test_options({"embed", "sst2"});
  options.models[0].name = "org";
  options.models[1].name = "org/model";
  Service service(options);
  CHECK(answer_of(service.get("/models/org/model/info"))["served_model_name"] == "org/model");
  CHECK(answer_of(service.get("/models/org/info"))["served_model_name"] == "org");
  CHECK(answer_of(service.get("/v1/models/org/model"))["id"] == "org/model");
}

TEST_CASE("HOSTILE 39: a body that is announced too large is refused before it comes") {
  serve::AppOptions options = test_options({"embed"});
  options.payload_limit = 100;
  Service service(options);
  CHECK(service.app().max_body(make_request("POST", "/embed")) == 100);
  CHECK(service.app().max_body(make_request("GET", "/health")) == 0);
  CHECK_FALSE(ask(service, "POST", "/embed", {}, 100));
  const auto tei = ask(service, "POST", "/embed", {}, 101);
  REQUIRE(tei);
  CHECK(tei->status == 413);
  CHECK(Json::parse(tei->body)["error_type"] == "Validation");
  const auto openai = ask(service, "POST", "/v1/embeddings", {}, std::uint64_t{10} << 30);
  REQUIRE(openai);
  CHECK(Json::parse(openai->body)["error"]["code"] == "too_large");
}

TEST_CASE(
    "what the transport refuses by itself has the format of its path, an id and a line in the "
    "log") {
  std::vector<Json> lines;
  serve::AppOptions options = test_options({"embed"});
  options.log = [&](std::string_view line) { lines.push_back(Json::parse(line)); };
  Service service(options);
  const std::vector<std::pair<std::string, std::string>> places{
      {"/embed", "/error"},
      {"", "/error"},
      {"/v1/embeddings", "/error/message"},
      {"/models/embed/embeddings", "/error/message"},
      {"/v2/rerank", "/message"},
      {"/models/embed/v1/rerank", "/message"},
      {"/v2/models/embed/infer", "/error"},
      {"/api/embed", "/error"},
      {"/api/embeddings", "/error"}};
  std::set<std::string> codes;
  for (const auto& [path, place] : places) {
    for (const int status : {400, 408, 411, 413, 414, 415, 417, 429, 431, 500, 501, 503, 505}) {
      INFO(path << " " << status);
      lines.clear();
      const serve::HttpResponse response = service.app().error(
          make_request("POST", path, "", {{"x-request-id", "mine"}}), status, "what was wrong");
      CHECK(response.status == status);
      CHECK(response.content_type == "application/json");
      const Json body = Json::parse(response.body);
      REQUIRE(body.contains(Json::json_pointer(place)));
      CHECK(body[Json::json_pointer(place)] == "what was wrong");
      CHECK(body.size() == (body.contains("error_type") ? 2 : 1));
      CHECK(body.contains("error_type") == (path == "/embed" || path.empty()));
      if (place == "/error/message") {
        CHECK(body["error"]["type"] == (status >= 500 && status != 501 && status != 505
                                            ? "server_error"
                                        : status == 429 ? "requests"
                                                        : "invalid_request_error"));
        codes.insert(body["error"]["code"].get<std::string>());
      }
      CHECK(header_of(response, "x-request-id") == "mine");
      REQUIRE(lines.size() == 1);
      CHECK(lines[0]["status"] == status);
      CHECK(lines[0]["path"] == path);
      CHECK(lines[0].contains("error"));
    }
  }
  CHECK(codes.size() == 13);  // each status has its own
  CHECK_THAT(service.get("/metrics").body,
             ContainsSubstring("sapwood_responses_total{status=\"431\"} 9\n"));
}

TEST_CASE("requests have an id and traces are found again in the log") {
  std::vector<Json> lines;
  serve::AppOptions options = test_options({"embed"});
  options.log = [&](std::string_view line) { lines.push_back(Json::parse(line)); };
  Service service(options);
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const Reply named = service.post(
      "/embed", {{"inputs", {"a", "b"}}},
      {{"x-request-id", "abc-1"}, {"traceparent", "00-" + trace + "-00f067aa0ba902b7-01"}});
  CHECK(named.header("x-request-id") == "abc-1");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["request_id"] == "abc-1");
  CHECK(lines[0]["trace_id"] == trace);
  CHECK(lines[0]["method"] == "POST");
  CHECK(lines[0]["path"] == "/embed");
  CHECK(lines[0]["model"] == "embed");
  CHECK(lines[0]["status"] == 200);
  CHECK(lines[0]["items"] == 2);
  CHECK(std::to_string(lines[0]["tokens"].get<int>()) == named.header("x-compute-tokens"));
  CHECK(lines[0]["total_ms"].get<double>() > 0);
  CHECK(lines[0].contains("queue_ms"));
  CHECK(lines[0].contains("inference_ms"));
  const std::string made = service.get("/health").header("x-request-id");
  CHECK(made.size() == 32);
  CHECK(service.get("/health").header("x-request-id") != made);
  for (const std::string& bad :
       {std::string(200, 'a'), std::string("a b"), std::string("a\x1b[2J")}) {
    CHECK(service.get("/health", {{"x-request-id", bad}}).header("x-request-id").size() == 32);
  }
  lines.clear();
  service.get("/health", {{"traceparent", "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01"}});
  service.get("/health", {{"traceparent", "garbage"}});
  service.get("/noth\ning");
  REQUIRE(lines.size() == 3);
  CHECK_FALSE(lines[0].contains("trace_id"));
  CHECK_FALSE(lines[1].contains("trace_id"));
  CHECK(lines[2]["path"] == "/noth\\ning");
  CHECK(lines[2]["status"] == 404);
  CHECK(lines[2]["error"] == "not_found");
}

TEST_CASE("a timeout that is no number of milliseconds is refused") {
  Service service({"embed"});
  for (const char* const wrong : {"", "0", "-1", "1.5", "10s", "999999999999999999999"}) {
    INFO(wrong);
    check_tei_error(service.post("/embed", {{"inputs", "a"}}, {{"x-request-timeout-ms", wrong}}),
                    422, "Validation", "x-request-timeout-ms");
  }
  answer_of(service.post("/embed", {{"inputs", "a"}}, {{"x-request-timeout-ms", "60000"}}));
}

TEST_CASE("options out of range, names that are no names and models that are none are errors") {
  const auto refused = [](serve::AppOptions options, const std::string& part) {
    try {
      serve::make_app(std::move(options));
      FAIL("was accepted");
    } catch (const Error& error) {
      CHECK_THAT(error.what(), ContainsSubstring(part));
    }
  };
  refused({}, "--model");
  serve::AppOptions options = test_options({"embed"});
  options.max_client_batch_size = 0;
  refused(options, "max_client_batch_size");
  options = test_options({"embed"});
  options.max_wait = -1ms;
  refused(options, "max_wait");
  options = test_options({"embed", "embed"});
  refused(options, "two models are called");
  options = test_options({"embed"});
  options.models[0].name = "a b";
  refused(options, "NAME=PATH");
  options.models[0] = {"a", "/nowhere/at/all"};
  refused(options, "/nowhere/at/all");
  CHECK(serve::parse_model_source("a/b=c=d").name == "a/b");
  CHECK(serve::parse_model_source("a/b=c=d").path == "c=d");
  CHECK(serve::parse_model_source("some/folder/minilm").name == "minilm");
  CHECK_THROWS_AS(serve::parse_model_source("=x"), Error);
  CHECK_THROWS_AS(serve::parse_model_source("x="), Error);
}

}  // namespace
}  // namespace sapwood::test
