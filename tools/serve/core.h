// What the connections of a server share: its thread's events, its clock, and the list of them. Only used from the
// transport's thread, but for the counters and for `io`, which takes work from any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "asio.h"
#include "server.h"

namespace sapwood::serve {

class Connection;
using Clock = std::chrono::steady_clock;

// Shared, because an answer may come when the server is gone.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(App& served, ServerOptions given) : app(served), options(std::move(given)) {}

  // The current time as the Date header has it.
  std::string_view date();

  // A connection is kept until remove(); there is one deadline each (Connection::deadline), and one timer for all.
  void add(std::shared_ptr<Connection> connection);
  void remove(Connection& connection);
  void watch(Clock::time_point deadline);

  // From now on every answer ends its connection.
  void begin_drain() { draining_ = true; }
  bool draining() const { return draining_; }
  // No new connections come: those that wait for a request are closed, and with the last one run() ends.
  void end_connections();
  bool ending() const { return ending_; }
  void close_connections();

  App& app;
  const ServerOptions options;
  asio::io_context io{1};
  std::array<char, 64 << 10> scratch;
  std::size_t held =
      0;  // bytes of all bodies that are being read and answers that are being written
  struct {
    std::atomic<std::uint64_t> connections{0}, accepted{0}, pauses{0}, refused{0}, left{0};
  } counts;

 private:
  void sweep();
  void stop_if_done();

  std::vector<std::shared_ptr<Connection>> connections_;
  asio::steady_timer timer_{io};
  Clock::time_point wake_ = Clock::time_point::max();  // when the timer ends
  std::time_t dated_ = 0;
  std::string date_;
  bool draining_ = false, ending_ = false;
};

}  // namespace sapwood::serve
