// Where a server listens.
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <iostream>
#include <string>

#include "catch.h"
#include "scratch.h"
#include "service.h"

using namespace sapwood::test;
using sapwood::ErrorCode;
using sapwood::serve::Server;
using sapwood::serve::ServerOptions;
using sapwood::serve::TcpAddress;

namespace {

ServerOptions on_socket(const std::string& path) {
  ServerOptions options;
  options.tcp.clear();
  options.unix_socket.path = path;
  return options;
}

void check_no_server(const ServerOptions& options, ErrorCode code,
                     const std::vector<std::string>& parts) {
  TestApp app;
  check_refused([&] { Server server(app, options); }, code, parts);
}

}  // namespace

TEST_CASE("listen: a free port of 127.0.0.1 unless told otherwise") {
  Service service;
  REQUIRE(service.server.addresses().size() == 1);
  CHECK(service.server.addresses()[0].starts_with("http://127.0.0.1:"));
  CHECK(service.port() != 0);
}

TEST_CASE("listen: every address of a name, on one port") {
  ServerOptions options;
  options.tcp = {TcpAddress{"localhost", 0}};
  Service service(options);
  for (const std::string& address : service.server.addresses()) {
    CHECK(address.ends_with(":" + std::to_string(service.port())));
  }
  CHECK(service.connect().ask(get("/describe"))->status == 200);
}

TEST_CASE("listen: several addresses, and a Unix socket beside them") {
  const ScratchDir scratch;
  const std::string path = scratch / "socket";
  ServerOptions options;
  options.tcp = {TcpAddress{}, TcpAddress{}};
  options.unix_socket = {path, 0660};
  Service service(options);
  REQUIRE(service.server.addresses().size() == 3);
  CHECK(service.server.addresses()[2] == "unix:" + path);
  struct stat file {};
  REQUIRE(::lstat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0660);
  Client client(path);
  CHECK(client.ask(post("/echo", "hello"))->body == "hello");
  CHECK(service.connect().ask(get("/describe"))->status == 200);
}

TEST_CASE("listen: addresses are written HOST:PORT, those of IPv6 in brackets") {
  using sapwood::serve::parse_tcp_address;
  for (const auto& [text, host, port] :
       {std::tuple("127.0.0.1:8080", "127.0.0.1", 8080), std::tuple("[::1]:0", "::1", 0),
        std::tuple("[::]:65535", "::", 65535), std::tuple("name.example:80", "name.example", 80)}) {
    CHECK(parse_tcp_address(text).host == host);
    CHECK(parse_tcp_address(text).port == port);
  }
  for (const char* bad : {"",       ":",       "a",       "a:",      ":80",
                          "::1:80", "::1",     "[::1]",   "[::1]80", "[]:80",
                          "[a]:80", "[::1:80", "::1]:80", "a:65536", "a:-1",
                          "a:+1",   "a: 1",    "a:1 ",    "a:http",  "a:99999999999999999999",
                          "[",      "]:1"}) {
    INFO(bad);
    check_refused([&] { parse_tcp_address(bad); }, ErrorCode::invalid_argument, {"HOST:PORT"});
  }
}

TEST_CASE("listen: every interface of IPv4 and of IPv6 on one port, in any order") {
  std::uint16_t port = 0;
  {
    ServerOptions options;
    options.tcp = {TcpAddress{"::", 0}};
    TestApp app;
    try {
      const Server server(app, options);
      const std::string& address = server.addresses()[0];
      port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    } catch (const sapwood::Error&) {
      std::cout << "skipped: this machine has no IPv6\n";
      return;
    }
  }
  for (const bool first : {true, false}) {
    ServerOptions options;
    options.tcp = {TcpAddress{first ? "0.0.0.0" : "::", port},
                   TcpAddress{first ? "::" : "0.0.0.0", port}};
    Service service(options);
    CHECK(service.server.addresses().size() == 2);
    CHECK(service.connect().ask(get("/describe"))->status == 200);
  }
}

TEST_CASE("listen: a Unix socket's file is removed at the end, but not another's") {
  const ScratchDir scratch;
  const std::string path = scratch / "socket";
  { Service service(on_socket(path)); }
  CHECK(scratch.files() == 0);
  {
    Service service(on_socket(path));
    std::filesystem::remove(path);
    scratch.write("socket", "another's");
  }
  CHECK(read_file(path) == "another's");
}

TEST_CASE("listen: a Unix socket that nobody listens on is replaced, nothing else") {
  const ScratchDir scratch;
  const std::string path = scratch / "socket";
  {
    // As a server that was killed leaves it.
    TestApp app;
    Server server(app, on_socket(path));
    std::filesystem::rename(path, path + ".kept");
  }
  std::filesystem::rename(path + ".kept", path);
  {
    Service service(on_socket(path));
    CHECK(Client(path).ask(get("/describe"))->status == 200);
    check_no_server(on_socket(path), ErrorCode::io, {path, "another server", "another path"});
    CHECK(Client(path).ask(get("/describe"))->status == 200);
  }
  scratch.write("socket", "precious");
  check_no_server(on_socket(path), ErrorCode::io, {path, "no socket"});
  CHECK(read_file(path) == "precious");
}

TEST_CASE("listen: what cannot be listened on is said") {
  Service service;
  ServerOptions options;
  options.tcp = {TcpAddress{"127.0.0.1", service.port()}};
  check_no_server(options, ErrorCode::io,
                  {"127.0.0.1:" + std::to_string(service.port()), "choose another port"});
  options.tcp = {TcpAddress{"no such host.invalid", 0}};
  check_no_server(options, ErrorCode::not_found, {"no such host.invalid", "name or address"});
  options.tcp = {TcpAddress{"192.0.2.1", 0}};  // of nobody
  check_no_server(options, ErrorCode::io, {"192.0.2.1:0"});
  options.tcp.clear();
  check_no_server(options, ErrorCode::invalid_argument, {"found neither"});
  check_no_server(on_socket("/tmp/" + std::string(200, 'x')), ErrorCode::invalid_argument,
                  {"107 bytes"});
  check_no_server(on_socket("/no such folder/socket"), ErrorCode::io, {"/no such folder/socket"});
}
