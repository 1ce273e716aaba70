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

  void end() override {
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

}  // namespace

std::unique_ptr<Stream> plain_stream(Socket socket, std::span<char> scratch) {
  return std::make_unique<PlainStream>(std::move(socket), scratch);
}

}  // namespace sapwood::serve
