// Many HTTP requests at once, from one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sapwood::load {

struct Result {
  double start = 0;       // seconds after the beginning: when it was due, not when it could be sent
  double latency_ms = 0;  // from then to the last byte of the answer
  double late_ms = 0;     // of the start: how much later it was sent than it was due
  int status = 0;         // 0: the connection broke
  std::size_t body = 0;   // which of the bodies it sent
};

class Client {
 public:
  // "127.0.0.1:3000". Throws std::runtime_error for what cannot be connected to.
  Client(const std::string& address, std::string path, const std::vector<std::string>& headers);
  ~Client();

  // One request at each of these times, in seconds, ascending.
  std::vector<Result> open_loop(const std::vector<std::string>& bodies,
                                const std::vector<double>& starts);
  std::vector<Result> closed_loop(const std::vector<std::string>& bodies, int clients,
                                  double seconds);

  double span() const { return span_; }                            // seconds of the last loop
  double processor_seconds() const { return processor_seconds_; }  // of this thread in it

 private:
  struct Connection;
  struct Pending {
    double start;
    std::size_t body;
    double sent = 0;
  };

  Connection& free_connection();
  void send(Connection& connection, const Pending& pending, const std::string& body);
  void write_more(Connection& connection);
  bool read_more(Connection& connection);  // true: an answer is complete
  void close(Connection& connection);
  void wait(double until);  // for events, at most until then
  void finish(Connection& connection, int status);
  double now() const;
  void begin();
  void end();

  std::string host_, path_, extra_;
  int port_;
  int poll_ = -1;
  double begin_ = 0, processor_begin_ = 0, span_ = 0, processor_seconds_ = 0;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> free_;
  std::size_t under_way_ = 0;
  std::vector<Result> results_;
};

}  // namespace sapwood::load
