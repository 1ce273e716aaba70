// A server whose application answers what tests need, without a model.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client.h"
#include "server.h"

namespace sapwood::test {

// Routes:
//   /echo       the request's body
//   /describe   method, path, query and headers, one a line; an empty line; the body
//   /later?MS   "later", from another thread after so many milliseconds
//   /wait       nothing, until answer_waiting()
//   /big?BYTES  so many bytes
//   /throw, /drop  what an application must not do
//   /locked     refused with 401
class TestApp final : public serve::App {
 public:
  ~TestApp() override;

  std::optional<serve::HttpResponse> refuse(const serve::HttpRequest& head,
                                            std::optional<std::uint64_t> length) override;
  std::uint64_t max_body(const serve::HttpRequest& head) const override;
  void handle(std::shared_ptr<serve::Exchange> exchange) override;
  serve::HttpResponse error(const serve::HttpRequest& head, int status,
                            std::string_view message) const override;
  void drain() override { draining = true; }

  // Answers those of /wait, from this thread. watch_waiting(): counts them in `left` once more where their clients leave.
  // drop_waiting(): forgets them.
  void answer_waiting();
  void watch_waiting();
  void drop_waiting();

  static constexpr std::uint64_t kMaxBody = 1 << 20;
  std::atomic<int> handled{0}, left{0}, waiting{0};
  std::atomic<bool> draining{false};

 private:
  void answer_later(std::shared_ptr<serve::Exchange> exchange, int ms);

  std::mutex mutex_;
  std::vector<std::shared_ptr<serve::Exchange>> waiting_;
  std::vector<std::thread> threads_;
};

// TestApp behind a server that runs on a thread of its own, on a free port of 127.0.0.1.
class Service {
 public:
  explicit Service(serve::ServerOptions options = {});
  ~Service();

  std::uint16_t port() const;  // of the first address
  Client connect() const { return Client(port()); }
  // Waits until run() has returned; false where it has not after 20 s.
  bool ends();

  TestApp app;
  serve::Server server;

 private:
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// Waits until it is true; false where it is not after 20 s.
template <class Condition>
bool soon(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

// "POST path HTTP/1.1 ... body"
std::string post(const std::string& path, const std::string& body, const std::string& headers = "");
std::string get(const std::string& path, const std::string& headers = "");

}  // namespace sapwood::test
