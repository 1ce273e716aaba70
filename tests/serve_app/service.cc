#include "service.h"

#include <filesystem>

#include "catch.h"

namespace sapwood::test {

namespace fs = std::filesystem;

std::string Reply::header(std::string_view name) const {
  const std::string* const value = serve::find_header(headers, name);
  return value == nullptr ? "" : *value;
}

void FakeExchange::respond(serve::HttpResponse response) {
  const std::lock_guard lock(mutex_);
  if (reply_) std::abort();  // answered twice
  reply_ = Reply{response.status, std::move(response.headers), std::move(response.content_type),
                 std::move(response.body)};
  there_.notify_all();
}

void FakeExchange::on_left(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    if (!left_) {
      on_left_ = std::move(call);
      return;
    }
  }
  call();
}

void FakeExchange::leave() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    call = std::move(on_left_);
  }
  if (call) call();
}

bool FakeExchange::answered() const {
  const std::lock_guard lock(mutex_);
  return reply_.has_value();
}

Reply FakeExchange::wait() {
  std::unique_lock lock(mutex_);
  REQUIRE(there_.wait_for(lock, std::chrono::minutes(1), [&] { return reply_.has_value(); }));
  return *reply_;
}

namespace {

std::string path_of(const std::string& name) {
  const fs::path source = SAPWOOD_SOURCE_DIR;
  const fs::path golden = source / "tests/golden/data";
  if (name == "cross") return golden / "bert-cross-encoder";
  if (name == "qa") return golden / "bert-qa";
  if (name == "router") return source / "tests/golden/sentence/sparse-router";
  if (name == "nli") return golden / "bert-nli";
  if (name == "prompts") return source / "tests/golden/sentence/prompts";
  return source / "models" / ("minilm-fff-" + name);
}

}  // namespace

Model test_model(const std::string& name) { return Model::load(find_model(path_of(name))); }

serve::AppOptions test_options(const std::vector<std::string>& models) {
  serve::AppOptions options;
  for (const std::string& name : models) options.models.push_back({name, path_of(name)});
  options.threads = 2;
  options.max_wait = std::chrono::minutes(10);  // a test's machine may be slow
  return options;
}

serve::HttpRequest make_request(const std::string& method, const std::string& path,
                                std::string body, serve::Headers headers) {
  serve::HttpRequest request{.method = method,
                             .path = path,
                             .headers = std::move(headers),
                             .body = std::move(body),
                             .arrived = std::chrono::steady_clock::now()};
  if (method == "POST") {
    request.headers.emplace_back("content-length", std::to_string(request.body.size()));
  }
  return request;
}

Reply Service::get(const std::string& path, serve::Headers headers) {
  return send(make_request("GET", path, {}, std::move(headers)));
}

Reply Service::post(const std::string& path, const Json& body, serve::Headers headers) {
  return post_text(path, body.dump(), std::move(headers));
}

Reply Service::post_text(const std::string& path, std::string body, serve::Headers headers) {
  return send(make_request("POST", path, std::move(body), std::move(headers)));
}

Reply Service::send(serve::HttpRequest request) {
  serve::HttpRequest head = request;
  head.body.clear();
  std::optional<std::uint64_t> length;
  if (request.method == "POST") length = request.body.size();
  if (auto refusal = app_->refuse(head, length)) {
    return {refusal->status, refusal->headers, refusal->content_type, refusal->body};
  }
  const auto exchange = std::make_shared<FakeExchange>(std::move(request));
  app_->handle(exchange);
  return exchange->wait();
}

std::shared_ptr<FakeExchange> Service::start(serve::HttpRequest request) {
  serve::HttpRequest head = request;
  head.body.clear();
  if (app_->refuse(head, request.body.size())) return nullptr;
  auto exchange = std::make_shared<FakeExchange>(std::move(request));
  app_->handle(exchange);
  return exchange;
}

std::vector<float> floats(const Json& list) {
  std::vector<float> numbers;
  for (const Json& number : list) numbers.push_back(number.get<float>());
  return numbers;
}

Json answer_of(const Reply& reply, int status) {
  INFO(reply.body.substr(0, 1000));
  REQUIRE(reply.status == status);
  CHECK(reply.content_type == "application/json");
  return reply.json();
}

void check_tei_error(const Reply& reply, int status, const std::string& type,
                     const std::string& part) {
  const Json answer = answer_of(reply, status);
  CHECK(answer.size() == 2);
  CHECK(answer["error_type"] == type);
  CHECK_THAT(answer["error"].get<std::string>(), ContainsSubstring(part));
}

std::vector<float> embedding_of(const Model& model, std::string_view text,
                                const EmbedOptions& options) {
  const TextInput input{text};
  return embed(model, {&input, 1}, options)[0].value().values;
}

}  // namespace sapwood::test
