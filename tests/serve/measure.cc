// What a trivial exchange costs: `test_serve [measure]`. Not among the tests, as times depend on the machine.
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <iostream>
#include <string>
#include <vector>

#include "catch.h"
#include "service.h"

using namespace sapwood::test;
using sapwood::serve::Exchange;
using Clock = std::chrono::steady_clock;

namespace {

// Answers on the transport's thread, or on another, as a scheduler's worker does.
class TrivialApp final : public sapwood::serve::App {
 public:
  explicit TrivialApp(bool elsewhere) : elsewhere_(elsewhere) {
    if (elsewhere) worker = std::thread([this] { work(); });
  }
  ~TrivialApp() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    there_.notify_one();
    if (worker.joinable()) worker.join();
  }
  std::optional<sapwood::serve::HttpResponse> refuse(const sapwood::serve::HttpRequest&,
                                                     std::optional<std::uint64_t>) override {
    return {};
  }
  std::uint64_t max_body(const sapwood::serve::HttpRequest&) const override { return 1 << 20; }
  void handle(std::shared_ptr<Exchange> exchange) override {
    if (!elsewhere_) return exchange->respond({.body = "[{\"label\":\"x\",\"score\":1}]"});
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(exchange));
    }
    there_.notify_one();
  }
  sapwood::serve::HttpResponse error(const sapwood::serve::HttpRequest&, int status,
                                     std::string_view) const override {
    return {.status = status};
  }
  void drain() override {}

  std::thread worker;

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      there_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      const std::shared_ptr<Exchange> exchange = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      exchange->respond({.body = "[{\"label\":\"x\",\"score\":1}]"});
      lock.lock();
    }
  }

  const bool elsewhere_;
  std::mutex mutex_;
  std::condition_variable there_;
  std::deque<std::shared_ptr<Exchange>> queue_;
  bool stopping_ = false;
};

double processor_us(std::thread& thread) {
  clockid_t clock;
  std::timespec time{};
  if (!thread.joinable() || ::pthread_getcpuclockid(thread.native_handle(), &clock) != 0) return 0;
  ::clock_gettime(clock, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

void measure(bool elsewhere, int connections) {
  TrivialApp app(elsewhere);
  sapwood::serve::Server server(app, {});
  std::thread thread([&] { server.run(); });
  const std::string& address = server.addresses().front();
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const std::string request =
      post("/predict", "{\"inputs\":\"it 's a charming and often affecting journey .\"}",
           "User-Agent: measure\r\nAccept: */*\r\nContent-Type: application/json\r\n");
  std::vector<Client> clients;
  for (int i = 0; i < connections; ++i) clients.emplace_back(port);
  std::vector<double> times;
  double begin = 0;
  const int rounds = 64'000 / connections;
  for (int round = -rounds / 10; round < rounds; ++round) {
    if (round == 0) begin = processor_us(thread) + processor_us(app.worker);
    const auto sent = Clock::now();
    for (Client& client : clients) client.send(request);
    for (Client& client : clients) REQUIRE(client.answer());
    if (round >= 0)
      times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - sent).count());
  }
  const double used = processor_us(thread) + processor_us(app.worker) - begin;
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  std::cout << (elsewhere ? "answered by a worker" : "answered at once    ") << ", " << connections
            << " connections: " << used / (rounds * connections)
            << " us of processor time a request, p50 of a round "
            << times[static_cast<std::size_t>(rounds) / 2] << " us\n";
  server.stop();
  thread.join();
}

}  // namespace

TEST_CASE("measure", "[.][measure]") {
  for (const bool elsewhere : {false, true}) {
    for (const int connections : {1, 64}) measure(elsewhere, connections);
  }
}
