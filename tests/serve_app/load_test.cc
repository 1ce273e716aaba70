// Many requests at once, more than there is time for, and clients that leave.
#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "call.h"
#include "catch.h"
#include "sanitizer.h"
#include "service.h"

namespace sapwood::test {
namespace {

using namespace std::chrono_literals;

// A list that keeps two workers busy for a while.
Json long_list() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word ";
  static const std::size_t texts = sanitized("three quarters of each long list") ? 8 : 32;
  return {{"inputs", std::vector<std::string>(texts, text)}};
}

TEST_CASE("many threads at once get the answers of their own requests", "[threads]") {
  Service service({"embed", "sst2", "ner"});
  const Model model = test_model("embed");
  std::vector<std::string> texts;
  std::vector<std::vector<float>> wanted;
  for (int i = 0; i < 12; ++i) {
    // The last ones are read by the thread for long bodies.
    texts.push_back("text " + std::to_string(i) + std::string(i < 10 ? 0 : 5000, ' ') + " end");
    wanted.push_back(embedding_of(model, texts.back()));
  }
  const Json sentiment = answer_of(service.post("/models/sst2/predict", {{"inputs", "good"}}));
  std::atomic<int> wrong = 0, right = 0;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 25; ++i) {
        const std::size_t a = random() % texts.size(), b = random() % texts.size();
        const Reply reply = service.post("/embed", {{"inputs", {texts[a], texts[b]}}});
        const Json json = reply.status == 200 ? reply.json() : Json({{}, {}});
        const bool same = floats(json[0]) == wanted[a] && floats(json[1]) == wanted[b];
        ++(same ? right : wrong);
        const Reply other = service.post("/models/sst2/predict", {{"inputs", "good"}});
        ++(other.status == 200 && other.json() == sentiment ? right : wrong);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(right == 8 * 25 * 2);
}

TEST_CASE(
    "HOSTILE 46: what would wait too long is refused at the door with the time to come again") {
  serve::AppOptions options = test_options({"embed"});
  options.max_wait = 0ms;
  Service service(options);
  const auto busy = service.start(make_request("POST", "/embed", long_list().dump()));
  REQUIRE(busy != nullptr);
  // The list may still be on the thread that tokenises it.
  std::optional<serve::HttpResponse> refusal;
  while (!refusal && !busy->answered()) {
    refusal = service.app().refuse(make_request("POST", "/v1/embeddings"), 100);
  }
  REQUIRE(refusal);
  CHECK(refusal->status == 429);
  CHECK(Json::parse(refusal->body)["error"]["code"] == "rate_limit_exceeded");
  const std::string* const ms = serve::find_header(refusal->headers, "retry-after-ms");
  const std::string* const seconds = serve::find_header(refusal->headers, "retry-after");
  REQUIRE(ms != nullptr);
  REQUIRE(seconds != nullptr);
  CHECK(std::stoi(*ms) >= 1);
  CHECK(std::stoi(*seconds) == (std::stoi(*ms) + 999) / 1000);
  // Asked again with its exact tokens.
  const auto second = std::make_shared<FakeExchange>(
      make_request("POST", "/embed", Json({{"inputs", "a"}}).dump()));
  service.app().handle(second);
  const Reply late = second->wait();
  if (!busy->answered()) check_tei_error(late, 429, "Overloaded", "come again in");
  // What computes nothing is answered all the same.
  CHECK(service.get("/health").status == 200);
  answer_of(service.post("/tokenize", {{"inputs", "a"}}));
  answer_of(busy->wait());
  answer_of(service.post("/embed", {{"inputs", "a"}}));
}

TEST_CASE("HOSTILE 49: a deadline that cannot be met is 429 at the door and 503 in the queue") {
  serve::AppOptions patient = test_options({"embed"});
  patient.max_wait = 1h;
  Service service(patient);
  // Of each list that is under way a single text waits for one text: as many lists as that takes, however fast the machine.
  const std::pair<std::string, std::string> timeout{"x-request-timeout-ms", "50"};
  std::vector<std::shared_ptr<FakeExchange>> busy;
  bool refused = false;
  for (int i = 0; i < 400 && !refused; ++i) {
    busy.push_back(service.start(make_request("POST", "/embed", long_list().dump())));
    REQUIRE(busy.back() != nullptr);
    // The list may still be on the thread that tokenises it.
    for (int j = 0; j < 20 && !refused; ++j) {
      refused =
          service.app().refuse(make_request("POST", "/embed", {}, {timeout}), 100).has_value();
      if (!refused) std::this_thread::sleep_for(1ms);
    }
  }
  REQUIRE(refused);
  // Half the time: its exact cost is a little less than what its size let expect.
  check_tei_error(service.post("/embed", {{"inputs", "a"}}, {{"x-request-timeout-ms", "25"}}), 429,
                  "Overloaded", "come again");
  // One that has passed is not worth coming again for.
  serve::HttpRequest late = make_request("POST", "/embed", {}, {{"x-request-timeout-ms", "1"}});
  late.arrived -= 1s;
  const auto passed = service.app().refuse(late, 100);
  REQUIRE(passed);
  CHECK(passed->status == 503);
  CHECK(serve::find_header(passed->headers, "retry-after") == nullptr);
  // It may pass while a long body waits to be read.
  late.body = Json{{"inputs", std::string(5000, 'a')}}.dump();
  const auto unread = std::make_shared<FakeExchange>(late);
  service.app().handle(unread);
  check_tei_error(unread->wait(), 503, "Overloaded", "deadline has passed");
  for (const auto& each : busy) answer_of(each->wait());
  // Let in where nobody waits, with a time that is enough to tokenise and not to compute.
  serve::AppOptions options = test_options({"embed"});
  options.threads = 1;
  Service hurried(options);
  std::string text;
  for (int i = 0; i < 600; ++i) text += "word ";
  const std::string list = Json({{"inputs", std::vector<std::string>(32, text)}}).dump();
  int status = 429;
  for (int ms = 1; status == 429 && ms < 10000; ms *= 2) {
    const Reply reply = hurried.send(
        make_request("POST", "/embed", list, {{"x-request-timeout-ms", std::to_string(ms)}}));
    status = reply.status;
    if (status == 503) check_tei_error(reply, 503, "Overloaded", "deadline");
  }
  CHECK(status == 503);
  CHECK_THAT(hurried.get("/metrics").body,
             ContainsSubstring("te_request_failure{err=\"deadline\"} 1\n"));
}

TEST_CASE("HOSTILE 48: a client that leaves takes its request with it") {
  serve::AppOptions options = test_options({"embed"});
  std::mutex mutex;
  std::vector<Json> lines;
  options.log = [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.push_back(Json::parse(line));
  };
  Service service(options);
  const auto stays = service.start(make_request("POST", "/embed", long_list().dump()));
  const auto leaves = service.start(make_request("POST", "/embed", long_list().dump()));
  leaves->leave();
  CHECK(leaves->wait().status == 499);
  answer_of(stays->wait());
  // One that has left before it is handled.
  const auto gone = std::make_shared<FakeExchange>(
      make_request("POST", "/embed", Json({{"inputs", "a"}}).dump()));
  gone->leave();
  service.app().handle(gone);
  CHECK(gone->wait().status == 499);
  CHECK_THAT(service.get("/metrics").body, ContainsSubstring("sapwood_clients_left_total 2\n"));
  CHECK_THAT(service.get("/metrics").body,
             ContainsSubstring("te_request_failure{err=\"dropped\"} 2\n"));
  const std::lock_guard lock(mutex);
  int left = 0;
  for (const Json& line : lines) left += line["status"] == 499;
  CHECK(left == 2);
}

TEST_CASE("a client that leaves while its answer is made is not waited for", "[threads]") {
  const Model model = test_model("embed");
  Scheduler scheduler({.team = Threads(1)});
  for (const bool late : {false, true}) {
    serve::Departure departure;
    std::promise<void> entered, finish;
    EncodeScratch scratch;
    Request request;
    request.jobs = {embed_task(model)->job({"a dog"}, scratch).value()};
    request.done = [&](const Completion&) {
      departure.close();
      entered.set_value();
      finish.get_future().wait();  // for as long as the answer takes
    };
    const auto submitted = scheduler.submit(std::move(request));
    // Its number may be known before its end, or after.
    if (!late) departure.set(submitted.ticket);
    entered.get_future().wait();
    if (late) departure.set(submitted.ticket);
    departure.leave();  // returns
    CHECK(departure.left());
    finish.set_value();
    scheduler.drain();
  }
}

TEST_CASE("an application that ends answers what it holds") {
  std::vector<std::shared_ptr<FakeExchange>> exchanges;
  {
    Service service({"embed"});
    for (int i = 0; i < 6; ++i) {
      exchanges.push_back(service.start(make_request("POST", "/embed", long_list().dump())));
    }
  }
  for (const auto& exchange : exchanges) {
    REQUIRE(exchange->answered());
    const int status = exchange->wait().status;
    CHECK((status == 200 || status == 429 || status == 503));
  }
}

}  // namespace
}  // namespace sapwood::test
