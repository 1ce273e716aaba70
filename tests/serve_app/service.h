// The application with a transport of its own: requests go in and answers come out without a socket.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app.h"
#include "sapwood/model.h"
#include "sapwood/tasks.h"

namespace sapwood::test {

using Json = nlohmann::json;

struct Reply {
  int status = 0;
  serve::Headers headers;
  std::string content_type, body;

  Json json() const { return Json::parse(body); }
  std::string header(std::string_view name) const;  // "" where there is none
};

// A request that waits for its answer.
class FakeExchange final : public serve::Exchange {
 public:
  explicit FakeExchange(serve::HttpRequest request) : request_(std::move(request)) {}
  const serve::HttpRequest& request() const override { return request_; }
  void respond(serve::HttpResponse response) override;
  void on_left(std::function<void()> call) override;

  void leave();  // as a client that closes its connection
  bool answered() const;
  Reply wait();  // fails the test where there is no answer within a minute

 private:
  const serve::HttpRequest request_;
  mutable std::mutex mutex_;
  std::condition_variable there_;
  std::optional<Reply> reply_;
  bool left_ = false;
  std::function<void()> on_left_;
};

// The models of the tests, by the names that they have in the service.
Model test_model(const std::string& name);
serve::AppOptions test_options(const std::vector<std::string>& models);
inline const std::vector<std::string> kAllModels{"embed", "sst2", "ner", "mlm", "cross", "qa"};

serve::HttpRequest make_request(const std::string& method, const std::string& path,
                                std::string body = {}, serve::Headers headers = {});

class Service {
 public:
  explicit Service(serve::AppOptions options) : app_(serve::make_app(std::move(options))) {}
  explicit Service(const std::vector<std::string>& models = kAllModels)
      : Service(test_options(models)) {}

  serve::Application& app() { return *app_; }

  Reply get(const std::string& path, serve::Headers headers = {});
  Reply post(const std::string& path, const Json& body, serve::Headers headers = {});
  Reply post_text(const std::string& path, std::string body, serve::Headers headers = {});
  // As the transport does it: the head is asked about first.
  Reply send(serve::HttpRequest request);
  // Starts one: null where it was refused by its head.
  std::shared_ptr<FakeExchange> start(serve::HttpRequest request);

 private:
  std::unique_ptr<serve::Application> app_;
};

// The numbers of a JSON list as float32, as clients read them.
std::vector<float> floats(const Json& list);

// The answer's JSON; the test fails where the status is another one.
Json answer_of(const Reply& reply, int status = 200);
void check_tei_error(const Reply& reply, int status, const std::string& type,
                     const std::string& part);

std::vector<float> embedding_of(const Model& model, std::string_view text,
                                const EmbedOptions& options = {.normalize = true});

}  // namespace sapwood::test
