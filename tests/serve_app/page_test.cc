// What is at `/`: a page for browsers, and for all others what was there before it.
#include <fstream>
#include <sstream>

#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

// As Chromium and Firefox send it.
const std::string kBrowser =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

std::string page_file() {
  std::ifstream file(SAPWOOD_SOURCE_DIR "/tools/serve/page.html");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("page: browsers get it at /, with headers that let nothing else run") {
  serve::AppOptions options = test_options({"embed"});
  options.api_key = "secret";  // the page asks people for it
  Service service(options);
  for (const std::string& accept :
       {kBrowser, std::string("Text/HTML"), std::string("*/*, text/html ;q=0.5")}) {
    INFO(accept);
    const Reply page = service.get("/", {{"accept", accept}});
    CHECK(page.status == 200);
    CHECK(page.content_type == "text/html; charset=utf-8");
    CHECK(page.body == page_file());
    CHECK(page.header("x-content-type-options") == "nosniff");
    CHECK(page.header("cache-control") == "no-cache");
    CHECK(page.header("vary") == "accept");
    const std::string policy = page.header("content-security-policy");
    CHECK_THAT(policy, StartsWith("default-src 'none'; script-src 'sha256-"));
    CHECK_THAT(policy, ContainsSubstring("='; style-src 'sha256-"));
    CHECK_THAT(policy, ContainsSubstring("connect-src 'self'"));
    CHECK(policy.find("unsafe") == policy.npos);
  }
}

TEST_CASE("page: a client that has it is not sent it again") {
  Service service({"embed"});
  const std::string tag = service.get("/", {{"accept", kBrowser}}).header("etag");
  REQUIRE(tag.size() > 20);
  const Reply same = service.get("/", {{"accept", kBrowser}, {"if-none-match", "W/\"a\", " + tag}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("etag") == tag);
  CHECK(service.get("/", {{"accept", kBrowser}, {"if-none-match", "\"a\""}}).status == 200);
}

TEST_CASE("page: who asks for no HTML gets the health that has always been at /") {
  Service service({"embed"});
  const std::vector<serve::Headers> others{{},
                                           {{"accept", "*/*"}},
                                           {{"accept", "application/json"}},
                                           {{"accept", "application/json, text/html;q=0.000"}},
                                           {{"accept", "text/htmlx, text/*, ;,"}},
                                           {{"accept", ""}}};
  for (const serve::Headers& headers : others) {
    INFO((headers.empty() ? "" : headers[0].second));
    const Reply health = service.get("/", headers);
    CHECK(health.status == 200);
    CHECK(health.body.empty());
    CHECK(health.header("vary") == "accept");
  }
  CHECK(service.get("/models/embed", {{"accept", kBrowser}}).body.empty());
  CHECK(service.get("/health", {{"accept", kBrowser}}).body.empty());
  service.app().drain();
  check_tei_error(service.get("/", {{"accept", kBrowser}}), 503, "Unhealthy", "stopping");
}

TEST_CASE("page: it asks nobody else for anything") {
  std::string page = page_file();
  const std::string_view kNamespace = "http://www.w3.org/2000/svg";
  for (std::size_t at = 0; (at = page.find(kNamespace)) != page.npos;) {
    page.erase(at, kNamespace.size());
  }
  for (const char* const word : {"http://", "https://", "@import", "innerHTML", "outerHTML",
                                 "insertAdjacentHTML", "document.write", "eval("}) {
    INFO(word);
    CHECK(page.find(word) == page.npos);
  }
}

TEST_CASE("page: what it needs to know of models and answers is there") {
  Service service({"mlm", "sst2", "router"});
  CHECK(answer_of(service.get("/info"))["model_type"] ==
        Json({{"fill_mask", {{"mask_token", "[MASK]"}}}}));
  for (const auto& [path, body] : {std::pair<std::string, Json>{"/", {{"inputs", "[MASK]"}}},
                                   {"/models/sst2/predict", {{"inputs", "dull"}}},
                                   {"/models/router/embed_sparse", {{"inputs", "a tree"}}}}) {
    INFO(path);
    const Reply reply = service.post(path, body);
    CHECK(reply.status == 200);
    CHECK_FALSE(reply.header("x-compute-tokens").empty());
    const std::string timing = reply.header("server-timing");
    const std::size_t at = timing.find("processor;dur=");
    REQUIRE(at != timing.npos);
    CHECK(std::stod(timing.substr(at + 14)) > 0);
  }
}

}  // namespace
}  // namespace sapwood::test
