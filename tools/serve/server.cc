#include "server.h"

#include <algorithm>
#include <csignal>
#include <ctime>

#include "connection.h"
#include "core.h"
#include "listen.h"
#include "sapwood/error.h"
#include "tls.h"

namespace sapwood::serve {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};
// Open files that are left for models, logs and whatever else a process reads.
constexpr std::size_t kOtherFiles = 64;

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

// Keeps SIGPIPE, which OpenSSL's writes to a client that has left raise, from the thread that it is made on.
class NoSigpipe {
 public:
  NoSigpipe() {
    ::sigemptyset(&signal_);
    ::sigaddset(&signal_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~NoSigpipe() {
    constexpr std::timespec kNow{};
    ::sigtimedwait(&signal_, nullptr, &kNow);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t signal_, before_;
};

}  // namespace

// Accepts connections from one socket.
class Listener {
 public:
  Listener(Core& core, ListeningSocket socket, const TlsContext* tls, std::size_t most)
      : core_(core),
        socket_(std::move(socket)),
        tls_(tls),
        most_(most),
        acceptor_(core.io, {socket_.family(), 0}, socket_.fd()),
        pause_(core.io) {
    socket_.release_fd();
  }

  void accept() {
    if (core_.counts.connections >= most_) return pause();
    acceptor_.async_accept([this](error_code error, Socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error == asio::error::connection_aborted) return accept();
      if (error) return pause();  // no more files can be opened, or no memory
      begin(std::move(socket));
      accept();
    });
  }

  void close() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  // What keeps us from accepting is still there at once.
  void pause() {
    ++core_.counts.pauses;
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](error_code error) {
      if (!error && acceptor_.is_open()) accept();
    });
  }

  void begin(Socket socket) try {
    error_code ignored;
    if (socket_.family() != AF_UNIX) socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto connection = std::make_shared<Connection>(
        core_, tls_ != nullptr ? tls_->stream(std::move(socket), core_.scratch)
                               : plain_stream(std::move(socket), core_.scratch));
    core_.add(connection);
    connection->start();
  } catch (const std::exception&) {  // no memory for another connection
  }

  Core& core_;
  ListeningSocket socket_;
  const TlsContext* const tls_;
  const std::size_t most_;
  Acceptor acceptor_;
  asio::steady_timer pause_;
};

struct Server::Impl {
  Impl(App& app, ServerOptions given) : core(std::make_shared<Core>(app, std::move(given))) {
    const ServerOptions& options = core->options;
    const std::size_t files = raise_file_limit();
    most = options.limits.connections;
    if (most == 0) most = files - std::min(files / 2, kOtherFiles);
    if (options.tls.certificate.empty() != options.tls.key.empty()) {
      throw Error(
          ErrorCode::invalid_argument,
          "TLS needs both the file of a certificate and that of its key, found one of them");
    }
    if (!options.tls.key.empty()) {
      tls = std::make_unique<TlsContext>(options.tls);
    }
    for (const TcpAddress& address : options.tcp) {
      for (ListeningSocket& socket : listen_on(address)) {
        listen(std::move(socket), tls ? "https://" : "http://", tls.get());
      }
    }
    if (!options.unix_socket.path.empty()) listen(listen_on(options.unix_socket), "", nullptr);
    if (listeners.empty()) {
      throw Error(ErrorCode::invalid_argument,
                  "a server needs an address or a Unix socket to listen on, found neither");
    }
  }

  void listen(ListeningSocket socket, const char* scheme, const TlsContext* context) {
    addresses.push_back(scheme + socket.address());
    listeners.push_back(std::make_unique<Listener>(*core, std::move(socket), context, most));
  }

  void wait_for_signal() {
    signals.async_wait([this](error_code error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        if (core->options.on_hangup) core->options.on_hangup();
      } else if (core->draining()) {
        core->io.stop();
      } else {
        begin_drain();
      }
      wait_for_signal();
    });
  }

  void begin_drain() {
    if (core->draining()) return;
    core->begin_drain();
    core->app.drain();
    after(core->options.drain_delay, [this] {
      for (const auto& listener : listeners) listener->close();
      core->end_connections();
      after(core->options.drain_limit, [this] { core->io.stop(); });
    });
  }

  template <class Call>
  void after(std::chrono::milliseconds delay, Call call) {
    drain_timer.expires_after(delay);
    drain_timer.async_wait([call](error_code error) {
      if (!error) call();
    });
  }

  void run() {
    const NoSigpipe no_sigpipe;
    if (core->options.handle_signals) {
      for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals.add(signal);
      wait_for_signal();
    }
    for (const auto& listener : listeners) listener->accept();
    core->io.run();
    for (const auto& listener : listeners) listener->close();
    core->close_connections();
    signals.clear();
    // What was cancelled gives up its memory.
    core->io.restart();
    core->io.poll();
    core->io.stop();
  }

  const std::shared_ptr<Core> core;
  std::size_t most = 0;  // connections
  std::unique_ptr<TlsContext> tls;
  std::vector<std::string> addresses;
  std::vector<std::unique_ptr<Listener>> listeners;
  asio::signal_set signals{core->io};
  asio::steady_timer drain_timer{core->io};
};

Server::Server(App& app, ServerOptions options)
    : impl_(std::make_unique<Impl>(app, std::move(options))) {}
Server::~Server() = default;

const std::vector<std::string>& Server::addresses() const { return impl_->addresses; }

void Server::run() { impl_->run(); }

void Server::drain() {
  asio::post(impl_->core->io, [impl = impl_.get()] { impl->begin_drain(); });
}

void Server::stop() { impl_->core->io.stop(); }

ServerStatistics Server::statistics() const {
  const auto& counts = impl_->core->counts;
  return {counts.connections, counts.accepted, counts.pauses, counts.refused, counts.left};
}

}  // namespace sapwood::serve
