// Bodies of requests to a running application: the first line is the path, the rest the body. Every answer is one of those
// that the documents name, and JSON.
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "app.h"
#include "target.h"

namespace sapwood::fuzz {
namespace {

using serve::Application, serve::AppOptions, serve::Exchange;
using serve::HttpRequest, serve::HttpResponse;

class WaitingExchange final : public Exchange {
 public:
  explicit WaitingExchange(HttpRequest request) : request_(std::move(request)) {}
  const HttpRequest& request() const override { return request_; }
  void on_left(std::function<void()>) override {}
  void respond(HttpResponse response) override {
    const std::lock_guard lock(mutex_);
    response_ = std::move(response);
    there_.notify_all();
  }
  HttpResponse wait() {
    std::unique_lock lock(mutex_);
    there_.wait(lock, [&] { return response_.has_value(); });
    return *std::move(response_);
  }

 private:
  const HttpRequest request_;
  std::mutex mutex_;
  std::condition_variable there_;
  std::optional<HttpResponse> response_;
};

Application& application() {
  static const std::unique_ptr<Application> app = [] {
    const std::string golden = SAPWOOD_SOURCE_DIR "/tests/golden/";
    AppOptions options;
    for (const auto& [name, path] : std::initializer_list<std::pair<const char*, const char*>>{
             {"embed", "sentence/prompts"},
             {"sparse", "sentence/sparse-max"},
             {"cross", "sentence/cross-encoder-saved"},
             {"classify", "data/distilbert-multilabel-relu"},
             {"ner", "data/bert-ner-vocab-cased"},
             {"mlm", "data/bert-fff-mlm"},
             {"qa", "data/bert-qa"},
             {"nli", "data/bert-nli"}}) {
      options.models.push_back({name, golden + path});
    }
    options.threads = 1;
    options.max_wait = std::chrono::minutes(10);
    return serve::make_app(std::move(options));
  }();
  return *app;
}

std::optional<HttpResponse> ask(const std::string& path, std::string body) {
  HttpRequest request{.method = "POST",
                      .path = path,
                      .headers = {{"content-type", "application/json"},
                                  {"content-length", std::to_string(body.size())}},
                      .body = {},
                      .arrived = std::chrono::steady_clock::now()};
  if (const auto refusal = application().refuse(request, body.size())) return refusal;
  request.body = std::move(body);
  const auto exchange = std::make_shared<WaitingExchange>(std::move(request));
  application().handle(exchange);
  return exchange->wait();
}

void answer_body(std::string_view input) {
  const std::size_t line = std::min(input.find('\n'), input.size());
  const auto response = ask("/" + std::string(input.substr(0, line)),
                            std::string(input.substr(std::min(line + 1, input.size()))));
  const bool known =
      response->status == 200 || (response->status >= 400 && response->status <= 424);
  require(known, "an answer " + std::to_string(response->status) + ": " + response->body);
  if (response->content_type != "application/json") return;
  require(nlohmann::json::accept(response->body), "an answer that is not JSON: " + response->body);
}

const Registration kBodyTarget({"body", answer_body});

}  // namespace
}  // namespace sapwood::fuzz
