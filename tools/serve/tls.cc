#include "tls.h"

#include <openssl/err.h>

#include <algorithm>
#include <new>
#include <string>

#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood::serve {
namespace {

constexpr std::size_t kRecord = 16 << 10;  // bytes of a record at most

class TlsStream final : public Stream {
 public:
  TlsStream(Socket socket, std::span<char> scratch, SSL_CTX* context)
      : socket_(std::move(socket)), scratch_(scratch), ssl_(::SSL_new(context), &::SSL_free) {
    socket_.native_non_blocking(true);
    if (!ssl_ || ::SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
    ::SSL_set_accept_state(ssl_.get());
  }

  void handshake(Done done) override {
    socket_.async_wait(Socket::wait_read, [=, this](error_code error) { shake(error, done); });
  }

  void read(std::size_t most, ReadDone done) override {
    const auto next = [=, this](error_code error) { receive(error, most, done); };
    // What has been decrypted already does not make the socket readable.
    if (::SSL_pending(ssl_.get()) > 0) {
      asio::post(socket_.get_executor(), [next] { next({}); });
    } else {
      socket_.async_wait(Socket::wait_read, next);
    }
  }

  void write(std::string_view first, std::string_view second, Done done) override {
    first_ = first;
    second_ = second;
    if (first.size() + second.size() <= kRecord) {  // one record, and one packet
      joined_.append(first).append(second);
      first_ = joined_;
      second_ = {};
    }
    asio::post(socket_.get_executor(), [=, this] { send({}, done); });
  }

  void end() override {
    error_code ignored;
    ::SSL_shutdown(ssl_.get());  // says so; the client's answer is not waited for
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void shake(error_code error, const Done& done) {
    if (failed(error)) return done(error);
    const int result = ::SSL_do_handshake(ssl_.get());
    if (result == 1) return done({});
    retry(result, [=, this](error_code next) { shake(next, done); });
  }

  void receive(error_code error, std::size_t most, const ReadDone& done) {
    if (failed(error)) return done(error, {});
    const int size =
        ::SSL_read(ssl_.get(), scratch_.data(), static_cast<int>(std::min(most, scratch_.size())));
    if (size > 0) return done({}, {scratch_.data(), static_cast<std::size_t>(size)});
    retry(size, [=, this](error_code next) { receive(next, most, done); });
  }

  void send(error_code error, const Done& done) {
    while (!failed(error) && !(first_.empty() && second_.empty())) {
      std::string_view& part = first_.empty() ? second_ : first_;
      const int size =
          ::SSL_write(ssl_.get(), part.data(), static_cast<int>(std::min(part.size(), kRecord)));
      if (size <= 0) return retry(size, [=, this](error_code next) { send(next, done); });
      part.remove_prefix(static_cast<std::size_t>(size));
    }
    std::string().swap(joined_);
    done(error);
  }

  // Before anything is asked of OpenSSL, which keeps a list of errors for each thread, and a number of a file that may be
  // another's once ours is closed.
  bool failed(error_code& error) {
    if (!error && !socket_.is_open()) error = asio::error::operation_aborted;
    ::ERR_clear_error();
    return static_cast<bool>(error);
  }

  // Calls `next` when the socket is ready for what OpenSSL waits for, or with the reason why it never will be.
  void retry(int result, const Done& next) {
    switch (::SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return socket_.async_wait(Socket::wait_read, next);
      case SSL_ERROR_WANT_WRITE:
        return socket_.async_wait(Socket::wait_write, next);
      case SSL_ERROR_ZERO_RETURN:
        return next(asio::error::eof);
      default:
        next(asio::error::connection_reset);
    }
  }

  Socket socket_;
  const std::span<char> scratch_;
  const std::unique_ptr<SSL, decltype(&::SSL_free)> ssl_;
  std::string_view first_, second_;  // what is still to be written
  std::string joined_;
};

[[noreturn]] void fail_to_load(const std::string& file, const char* expected) {
  const char* const reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  throw Error(ErrorCode::malformed, quote(file) + ": expected " + expected + ": " +
                                        (reason != nullptr ? reason : "OpenSSL gives no reason"));
}

}  // namespace

TlsContext::TlsContext(const TlsFiles& files)
    : context_(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free) {
  SSL_CTX* const context = context_.get();
  if (context == nullptr) throw std::bad_alloc();
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets need no memory here
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    fail_to_load(files.certificate, "a certificate in PEM form");
  }
  if (::SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail_to_load(files.key,
                 "the private key of the certificate, in PEM form and without a password");
  }
}

std::unique_ptr<Stream> TlsContext::stream(Socket socket, std::span<char> scratch) const {
  return std::make_unique<TlsStream>(std::move(socket), scratch, context_.get());
}

}  // namespace sapwood::serve
