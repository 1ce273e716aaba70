// The program as a service manager and its clients have it.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "catch.h"
#include "certificate.h"
#include "running.h"
#include "scratch.h"

namespace sapwood::test {
namespace {

using namespace std::chrono_literals;

const std::string kModel = SAPWOOD_SOURCE_DIR "/models/minilm-fff-embed/model.safetensors";

std::string post(const std::string& body) {
  return "POST /embed HTTP/1.1\r\nHost: test\r\nContent-Type: "
         "application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n";
}

const std::string kText = post(R"({"inputs": "a dog runs"})");

TEST_CASE(
    "program: SIGTERM under load: not ready at once, what is under way is answered, status 0 "
    "within the limit, HOSTILE 50") {
  Running server({"-q", "-m", kModel, "--port", "0", "--drain-delay", "1000", "--drain-limit",
                  "20000", "--threads", "2"});
  REQUIRE(server.says("listening on"));
  const std::uint16_t port = server.port();
  std::atomic<int> answered = 0, cut = 0, other = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        try {
          Client client(port);
          for (bool open = true; open && !stop;) {
            if (!client.send(kText)) break;
            const auto answer = client.answer();
            if (!answer) {
              ++cut;
              break;
            }
            ++(answer->status == 200 ? answered : other);
            open = !answer->has("connection", "close");
          }
        } catch (const std::runtime_error&) {  // it accepts no more
          return;
        }
      }
    });
  }
  Client probe(port);
  CHECK(probe.ask(get("/health"))->status == 200);
  while (answered < 50) std::this_thread::sleep_for(1ms);
  const auto begin = std::chrono::steady_clock::now();
  server.signal(SIGTERM);
  // Old connections and new ones learn of it, and are answered.
  int ready = 200;
  while (ready == 200 && std::chrono::steady_clock::now() - begin < 900ms) {
    ready = Client(port).ask(get("/health"))->status;
  }
  CHECK(ready == 503);
  CHECK(Client(port).ask(kText)->status == 200);
  CHECK(server.wait() == 0);
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  stop = true;
  for (std::thread& client : clients) client.join();
  CHECK(other == 0);
  // Only who sent a request into the very end of an idle connection has no answer.
  CHECK(cut <= 6);
  CHECK(answered > 50);
}

TEST_CASE("program: a second signal ends it at once, with what is under way") {
  Running server({"-q", "-m", kModel, "--port", "0", "--drain-delay", "60000"});
  REQUIRE(server.says("listening on"));
  Client client(server.port());
  CHECK(client.ask(kText)->status == 200);
  server.signal(SIGINT);
  std::this_thread::sleep_for(50ms);
  CHECK(client.ask(get("/health"))->status == 503);
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
}

TEST_CASE("program: several addresses, a Unix socket beside them, and each answers") {
  const ScratchDir scratch;
  const std::string socket = scratch / "socket";
  Running server({"-q", "-m", kModel, "--listen", "127.0.0.1:0", "--listen",
                  "localhost:0,127.0.0.1:0", "--uds-path", socket});
  REQUIRE(server.says("listening on unix:"));
  const std::vector<std::string> addresses = server.addresses();
  REQUIRE(addresses.size() >= 4);
  for (std::size_t i = 0; i + 1 < addresses.size(); ++i) {
    if (addresses[i].find("127.0.0.1") == std::string::npos) continue;
    INFO(addresses[i]);
    CHECK(Client(server.port(i)).ask(kText)->status == 200);
  }
  CHECK(Client(socket).ask(kText)->status == 200);
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
  CHECK_FALSE(std::filesystem::exists(socket));
  for (const char* bad : {"127.0.0.1", "::1:80", "a:b", ""}) {
    Running refused({"-q", "-m", kModel, "--listen", bad});
    INFO(bad);
    CHECK(refused.wait() == 2);
  }
}

TEST_CASE("program: a Unix socket alone, with its standard error full") {
  const ScratchDir scratch;
  const std::string socket = scratch / "socket";
  Running server({"-m", kModel, "--uds-path", socket}, "/dev/full");
  std::optional<Answer> answer;
  for (int i = 0; i < 2000 && !answer; ++i) {
    try {
      answer = Client(socket).ask(kText);
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(10ms);
    }
  }
  REQUIRE(answer);
  CHECK(answer->status == 200);
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
}

TEST_CASE("program: SIGHUP reads certificate and models again, and says what stays as it was") {
  const ScratchDir scratch;
  const std::string model = scratch / "model.safetensors",
                    certificate = scratch / "certificate.pem", key = scratch / "key.pem";
  std::filesystem::copy_file(kModel, model);
  write_certificate(certificate, key);
  Running server({"-q", "-m", model, "--port", "0", "--tls-cert", certificate, "--tls-key", key});
  REQUIRE(server.says("listening on https://"));
  write_certificate(certificate, key, 2);
  server.signal(SIGHUP);
  CHECK(server.says("read the certificate and its key again"));
  CHECK(server.says(" again", 2));  // the model's, too
  scratch.write("certificate.pem", "broken");
  scratch.write("new", "no model");
  std::filesystem::rename(scratch / "new", model);
  server.signal(SIGHUP);
  CHECK(server.says("the old certificate stays: "));
  CHECK(server.says("certificate.pem"));
  CHECK(server.says(" stays: ", 2));
  server.signal(SIGTERM);
  CHECK(server.wait() == 0);
}

}  // namespace
}  // namespace sapwood::test
