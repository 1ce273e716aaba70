// The same service through TLS, with a certificate of the test's own.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <csignal>
#include <memory>
#include <string>

#include "catch.h"
#include "certificate.h"
#include "scratch.h"
#include "service.h"

using namespace sapwood::test;
using sapwood::ErrorCode;
using sapwood::serve::ServerOptions;
using std::chrono::milliseconds;

namespace {

ServerOptions with_certificate(const ScratchDir& scratch, int serial = 1) {
  ServerOptions options;
  options.tls = {scratch / "certificate.pem", scratch / "key.pem"};
  write_certificate(options.tls.certificate, options.tls.key, serial);
  return options;
}

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port) : client_(port) {
    // OpenSSL writes without MSG_NOSIGNAL. Of this thread alone: the server has to look after its own.
    sigset_t signal;
    ::sigemptyset(&signal);
    ::sigaddset(&signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signal, nullptr);
    context_.reset(::SSL_CTX_new(::TLS_client_method()));
    ssl_.reset(::SSL_new(context_.get()));
    ::SSL_set_fd(ssl_.get(), client_.fd());
    connected = ::SSL_connect(ssl_.get()) == 1;
  }

  bool send(const std::string& bytes) {
    return ::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  // What comes until `end` does, or until the server closes; `closed` then says whether it said so.
  std::string read_to(const std::string& end) {
    std::string text;
    char bytes[16384];
    while (end.empty() || text.find(end) == text.npos) {
      const int size = ::SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (size <= 0) {
        closed = ::SSL_get_error(ssl_.get(), size) == SSL_ERROR_ZERO_RETURN;
        break;
      }
      text.append(bytes, static_cast<std::size_t>(size));
    }
    return text;
  }
  // Of the server's certificate.
  long serial() const {
    X509* const certificate = ::SSL_get1_peer_certificate(ssl_.get());
    const long number = ::ASN1_INTEGER_get(::X509_get0_serialNumber(certificate));
    ::X509_free(certificate);
    return number;
  }
  void shut_down() { ::SSL_shutdown(ssl_.get()); }
  void close(bool reset = false) { client_.close(reset); }

  bool connected = false, closed = false;

 private:
  Client client_;
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context_{nullptr, &::SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&::SSL_free)> ssl_{nullptr, &::SSL_free};
};

}  // namespace

TEST_CASE("TLS: requests one after another and at once, large both ways") {
  const ScratchDir scratch;
  Service service(with_certificate(scratch));
  CHECK(service.server.addresses()[0].starts_with("https://127.0.0.1:"));
  TlsClient client(service.port());
  REQUIRE(client.connected);
  client.send(post("/echo", "hello"));
  CHECK(client.read_to("hello").starts_with("HTTP/1.1 200 OK\r\n"));
  client.send(post("/echo", "one") + get("/later?20") + post("/echo", "two"));
  const std::string answers = client.read_to("two");
  CHECK(answers.find("one") < answers.find("later"));
  CHECK(answers.find("later") < answers.find("two"));
  const std::string body(1'000'000, 'b');
  client.send(post("/echo", body + "END"));
  CHECK(client.read_to("END").ends_with("\r\n\r\n" + body + "END"));
  client.send(get("/big?5000000", "Connection: close\r\n"));
  CHECK(client.read_to("").size() > 5'000'000);
  CHECK(client.closed);
}

TEST_CASE("TLS: a refused body that is still sent does not eat its answer") {
  const ScratchDir scratch;
  Service service(with_certificate(scratch));
  TlsClient client(service.port());
  REQUIRE(client.connected);
  client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3000000\r\n\r\n");
  client.send(std::string(3'000'000, 'x'));
  CHECK(client.read_to("").starts_with("HTTP/1.1 413 "));
  CHECK(client.closed);
  client.close();
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
}

TEST_CASE("TLS: a client that leaves while it waits is noticed") {
  const ScratchDir scratch;
  Service service(with_certificate(scratch));
  for (const bool politely : {true, false}) {
    service.app.left = service.app.waiting = 0;
    TlsClient client(service.port());
    REQUIRE(client.connected);
    client.send(get("/wait"));
    REQUIRE(soon([&] { return service.app.waiting == 1; }));
    if (politely) client.shut_down();
    client.close();
    CHECK(soon([&] { return service.app.left == 1; }));
    service.app.drop_waiting();
    CHECK(soon([&] { return service.server.statistics().connections == 0; }));
  }
}

TEST_CASE("TLS: a client that leaves in the middle of its answer, or of the handshake") {
  const ScratchDir scratch;
  Service service(with_certificate(scratch));
  for (const bool reset : {false, true}) {
    TlsClient client(service.port());
    REQUIRE(client.connected);
    client.send(get("/big?50000000"));
    CHECK(client.read_to("xxx").starts_with("HTTP/1.1 200 OK\r\n"));
    client.close(reset);
    Client half = service.connect();
    half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
    half.close(reset);
    CHECK(soon([&] { return service.server.statistics().connections == 0; }));
  }
}

TEST_CASE("TLS: who does not speak it, or is silent, is closed") {
  const ScratchDir scratch;
  ServerOptions options = with_certificate(scratch);
  options.timeouts.request = milliseconds(800);
  Service service(options);
  Client plain = service.connect(), silent = service.connect();
  plain.send(get("/describe"));
  CHECK(plain.rest().find("HTTP") == std::string::npos);
  CHECK(silent.is_closed());
  CHECK(service.app.handled == 0);
  CHECK(soon([&] { return service.server.statistics().connections == 0; }));
  CHECK(TlsClient(service.port()).connected);
}

TEST_CASE("TLS: files that are read again serve those who come then, and end no connection") {
  const ScratchDir scratch, other;
  const ServerOptions options = with_certificate(scratch, 1);
  Service service(options);
  TlsClient before(service.port());
  REQUIRE(before.connected);
  CHECK(before.serial() == 1);
  before.send(get("/wait"));
  REQUIRE(soon([&] { return service.app.waiting == 1; }));

  with_certificate(scratch, 2);
  CHECK(service.server.reload_tls());
  TlsClient after(service.port());
  REQUIRE(after.connected);
  CHECK(after.serial() == 2);
  service.app.answer_waiting();
  CHECK(before.read_to("waited").starts_with("HTTP/1.1 200 OK\r\n"));
  before.send(post("/echo", "still here"));
  CHECK(before.read_to("still here").starts_with("HTTP/1.1 200 OK\r\n"));

  // Of two files only one is new, or there is nothing good in it.
  const auto check_kept = [&](const std::string& file) {
    check_refused([&] { service.server.reload_tls(); }, ErrorCode::malformed, {file});
    TlsClient client(service.port());
    REQUIRE(client.connected);
    CHECK(client.serial() == 2);
  };
  const ServerOptions another = with_certificate(other, 3);
  std::filesystem::copy_file(another.tls.certificate, options.tls.certificate,
                             std::filesystem::copy_options::overwrite_existing);
  check_kept(options.tls.key);
  scratch.write("certificate.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
  check_kept(options.tls.certificate);
  std::filesystem::remove(options.tls.certificate);
  check_kept(options.tls.certificate);
  CHECK(service.server.statistics().refused == 0);

  Service plain;
  CHECK_FALSE(plain.server.reload_tls());
}

TEST_CASE("TLS: files that are none are said") {
  const ScratchDir scratch, other;
  const ServerOptions good = with_certificate(scratch), another = with_certificate(other);
  const auto check = [](const ServerOptions& options, ErrorCode code, const std::string& part) {
    TestApp app;
    check_refused([&] { sapwood::serve::Server server(app, options); }, code, {part});
  };
  ServerOptions bad = good;
  bad.tls.key = another.tls.key;
  check(bad, ErrorCode::malformed, bad.tls.key);
  bad.tls.key = scratch / "missing.pem";
  check(bad, ErrorCode::malformed, bad.tls.key);
  bad.tls.key.clear();
  check(bad, ErrorCode::invalid_argument, "one of them");
  bad = good;
  bad.tls.certificate = scratch.write("text.pem", "no certificate");
  check(bad, ErrorCode::malformed, bad.tls.certificate);
}
