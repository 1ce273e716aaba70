#include "stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sapwood::serve {
namespace {

std::array<asio::const_buffer, 2> buffers(std::string_view first, std::string_view second) {
  return {asio::buffer(first.data(), first.size()), asio::buffer(second.data(), second.size())};
}

class PlainStream final : public Stream {
 public:
  PlainStream(Socket socket, std::span<char> scratch)
      : socket_(std::move(socket)), scratch_(scratch) {}

  void handshake(Done done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done({}); });
  }

  void read(std::size_t most, ReadDone done) override {
    socket_.async_wait(Socket::wait_read,
                       [this, most, done = std::move(done)](error_code error) mutable {
                         if (error) return done(error, {});
                         const ssize_t size = ::recv(socket_.native_handle(), scratch_.data(),
                                                     std::min(most, scratch_.size()), MSG_DONTWAIT);
                         if (size > 0)
                           return done({}, {scratch_.data(), static_cast<std::size_t>(size)});
                         if (size == 0) return done(asio::error::eof, {});
                         if (errno == EAGAIN || errno == EINTR) return read(most, std::move(done));
                         done(error_code(errno, boost::system::system_category()), {});
                       });
  }

  void write(std::string_view first, std::string_view second, Done done) override {
    asio::async_write(socket_, buffers(first, second),
                      [done = std::move(done)](error_code error, std::size_t) { done(error); });
  }

  void end(std::shared_ptr<void>) override {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  Socket socket_;
  std::span<char> scratch_;
};

// Its reads wait inside TLS for whole records, so that it needs a buffer of its own.
class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, asio::ssl::context& context) : tls_(std::move(socket), context) {}

  void handshake(Done done) override {
    tls_.async_handshake(asio::ssl::stream_base::server, std::move(done));
  }

  void read(std::size_t most, ReadDone done) override {
    tls_.async_read_some(asio::buffer(buffer_.data(), std::min(most, buffer_.size())),
                         [this, done = std::move(done)](error_code error, std::size_t size) {
                           if (error == asio::ssl::error::stream_truncated)
                             error = asio::error::eof;
                           done(error, {buffer_.data(), error ? 0 : size});
                         });
  }

  void write(std::string_view first, std::string_view second, Done done) override {
    asio::async_write(tls_, buffers(first, second),
                      [done = std::move(done)](error_code error, std::size_t) { done(error); });
  }

  void end(std::shared_ptr<void> self) override {
    tls_.async_shutdown([this, self = std::move(self)](error_code) {
      error_code ignored;
      tls_.next_layer().shutdown(Socket::shutdown_send, ignored);
    });
  }

  void close() override {
    error_code ignored;
    tls_.next_layer().close(ignored);
  }

 private:
  asio::ssl::stream<Socket> tls_;
  std::array<char, 4096> buffer_;
};

}  // namespace

std::unique_ptr<Stream> plain_stream(Socket socket, std::span<char> scratch) {
  return std::make_unique<PlainStream>(std::move(socket), scratch);
}

std::unique_ptr<Stream> tls_stream(Socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsStream>(std::move(socket), context);
}

}  // namespace sapwood::serve
