#include "service.h"

#include <stdexcept>

namespace sapwood::test {
namespace {

using serve::HttpRequest;
using serve::HttpResponse;

HttpResponse text(std::string body) {
  return {.content_type = "text/plain", .body = std::move(body)};
}

std::string describe(const HttpRequest& request) {
  std::string out = request.method + " " + request.path + " " + request.query + "\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\n";
  return out + "\n" + request.body;
}

}  // namespace

TestApp::~TestApp() {
  for (std::thread& thread : threads_) thread.join();
}

std::optional<HttpResponse> TestApp::refuse(const HttpRequest& head, std::optional<std::uint64_t>) {
  if (head.path != "/locked") return {};
  return HttpResponse{.status = 401, .headers = {{"WWW-Authenticate", "Bearer"}}, .body = "locked"};
}

std::uint64_t TestApp::max_body(const HttpRequest&) const { return kMaxBody; }

void TestApp::handle(std::shared_ptr<serve::Exchange> exchange) {
  ++handled;
  const HttpRequest& request = exchange->request();
  if (request.path == "/echo") return exchange->respond(text(request.body));
  if (request.path == "/describe") return exchange->respond(text(describe(request)));
  if (request.path == "/big") {
    return exchange->respond(text(std::string(std::stoul(request.query), 'x')));
  }
  if (request.path == "/throw") throw std::runtime_error("thrown by the application");
  if (request.path == "/drop") return;
  if (request.path == "/later") {
    exchange->on_left([this] { ++left; });
    return answer_later(std::move(exchange), std::stoi(request.query));
  }
  if (request.path == "/wait") {
    exchange->on_left([this] { ++left; });
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(exchange));
    ++waiting;
    return;
  }
  exchange->respond(error(request, 404, "no such route"));
}

void TestApp::answer_later(std::shared_ptr<serve::Exchange> exchange, int ms) {
  threads_.emplace_back([exchange = std::move(exchange), ms] {
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    exchange->respond(text("later"));
  });
}

void TestApp::answer_waiting() {
  const std::lock_guard lock(mutex_);
  for (const auto& exchange : waiting_) exchange->respond(text("waited"));
  waiting_.clear();
}

void TestApp::watch_waiting() {
  const std::lock_guard lock(mutex_);
  for (const auto& exchange : waiting_) exchange->on_left([this] { ++left; });
}

void TestApp::drop_waiting() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
}

HttpResponse TestApp::error(const HttpRequest& head, int status, std::string_view message) const {
  return {.status = status,
          .content_type = "text/plain",
          .headers = {{"X-Path", head.path}},
          .body = std::string(message)};
}

Service::Service(serve::ServerOptions options) : server(app, std::move(options)) {
  thread_ = std::thread([this] {
    server.run();
    ended_ = true;
  });
}

Service::~Service() {
  server.stop();
  thread_.join();
}

std::uint16_t Service::port() const {
  const std::string& address = server.addresses().front();
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

bool Service::ends() {
  return soon([&] { return ended_.load(); });
}

std::string post(const std::string& path, const std::string& body, const std::string& headers) {
  return "POST " + path + " HTTP/1.1\r\nHost: test\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path, const std::string& headers) {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n";
}

}  // namespace sapwood::test
