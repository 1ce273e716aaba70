// The transport of `sapwood serve`: HTTP/1.1 over TCP, TLS and a Unix socket, on one thread. It answers whatever is
// wrong with a request's framing by itself and gives everything else to an App (http.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http.h"

namespace sapwood::serve {

struct TcpAddress {
  std::string host = "127.0.0.1";  // a name or a number; "0.0.0.0" and "::" are every interface
  std::uint16_t port = 0;          // 0: one that is free, which Server::addresses() tells
};

// "HOST:PORT"; an IPv6 address stands in brackets: "[::1]:8080". Throws Error invalid_argument.
TcpAddress parse_tcp_address(std::string_view text);

struct UnixAddress {
  std::string path;      // empty: none. A socket file on which nobody listens is replaced
  unsigned mode = 0600;  // of the file: who may connect
};

// TLS on every TCP address, where both files are named.
struct TlsFiles {
  std::string certificate;  // PEM: the server's certificate, then those that signed it
  std::string key;          // PEM
};

struct Timeouts {
  std::chrono::milliseconds idle = std::chrono::seconds(75);  // between requests
  std::chrono::milliseconds request =
      std::chrono::seconds(30);  // a whole request, head and body; a TLS handshake
  std::chrono::milliseconds write =
      std::chrono::seconds(10);  // an answer, for each MiB of it that is begun
  std::chrono::milliseconds linger =
      std::chrono::seconds(1);  // for what a client still sends after the last answer
};

struct Limits {
  std::size_t buffer = 32 << 10;  // a chunk's header, all trailers, what is read ahead of an answer
  std::size_t head = 16 << 10;    // else 431
  std::size_t target = 8 << 10;   // else 414
  std::size_t headers = 128;      // their number, else 431
  std::size_t dropped_body = 64 << 10;  // of a refused request: longer ones cost the connection
  std::size_t linger = 4 << 20;         // bytes read and thrown away after the last answer
  // Bytes of all bodies that are being read and answers that are being written. Beyond it those of more than `small` bytes
  // are refused with 503: clients that are slow must not take all memory.
  std::size_t held = 256 << 20;
  std::size_t small = 64 << 10;
  std::size_t connections = 0;  // 0: as many as the process may open files, less a few for others
};

struct ServerOptions {
  std::vector<TcpAddress> tcp = {TcpAddress{}};
  UnixAddress unix_socket = {};
  TlsFiles tls = {};
  Timeouts timeouts = {};
  Limits limits = {};
  // After drain(): new connections are still accepted for so long, while those who send them learn of it; then what is
  // under way has so long to end.
  std::chrono::milliseconds drain_delay = std::chrono::milliseconds(0);
  std::chrono::milliseconds drain_limit = std::chrono::seconds(30);
  // The server takes SIGTERM and SIGINT for drain(), a second one for stop(), and SIGHUP for on_hangup (in run(), from the
  // transport's thread; it must not throw).
  bool handle_signals = false;
  std::function<void()> on_hangup = {};
};

struct ServerStatistics {
  std::uint64_t connections = 0;  // open now
  std::uint64_t accepted = 0;     // ever
  std::uint64_t pauses =
      0;  // in accepting, as no more files could be opened or `connections` were there
  std::uint64_t refused = 0;  // requests that the transport answered by itself
  std::uint64_t left = 0;     // clients that left before their answer
};

class Server {
 public:
  // Listens, and raises the process' limit of open files. Connections wait until run(). The application lives longer.
  Server(App& app, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "http://127.0.0.1:8080", "https://[::1]:8443", "unix:/run/sapwood.sock".
  const std::vector<std::string>& addresses() const;

  // Serves until it is drained or stopped; once.
  void run();

  // From any thread. drain(): see ServerOptions::drain_delay; run() returns when the last connection has ended.
  // stop(): run() returns soon, with every connection closed.
  void drain();
  void stop();

  // From any thread, which it keeps while it reads: reads the files of TlsFiles again, for connections that come from now on.
  // False where there are none. Throws Error as the constructor; what was read before then stays.
  bool reload_tls();
  ServerStatistics statistics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sapwood::serve
