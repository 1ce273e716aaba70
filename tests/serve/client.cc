#include "client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace sapwood::test {
namespace {

constexpr int kPatience = 20'000;  // ms

bool is_readable(int fd, int ms) {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, ms) == 1;
}

int connected(std::uint16_t port, int receive_buffer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd);
    throw std::runtime_error("cannot connect: " + why);
  }
  return fd;
}

}  // namespace

bool Answer::has(const std::string& name, const std::string& value) const {
  const auto [first, last] = headers.equal_range(name);
  return std::any_of(first, last, [&](const auto& header) { return header.second == value; });
}

Client::Client(std::uint16_t port) : fd_(connected(port, 0)) {}

Client Client::with_small_buffers(std::uint16_t port) {
  Client client;
  client.fd_ = connected(port, 4096);
  return client;
}

Client::Client(const std::string& unix_socket)
    : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  unix_socket.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd_);
    throw std::runtime_error("cannot connect to " + unix_socket);
  }
}

Client::Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

Client::~Client() { close(); }

bool Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void Client::send_each_byte(std::string_view bytes) {
  for (const char byte : bytes) send({&byte, 1});
}

void Client::shut_down() { ::shutdown(fd_, SHUT_WR); }

void Client::close(bool reset) {
  if (fd_ < 0) return;
  const linger now{1, 0};
  if (reset) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(fd_, -1));
}

bool Client::receive() {
  char bytes[1 << 16];
  if (!is_readable(fd_, kPatience)) return false;
  const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
  if (size > 0) buffer_.append(bytes, static_cast<std::size_t>(size));
  return size > 0;
}

std::optional<Answer> Client::answer(bool bodiless) {
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) {
    if (!receive()) return {};
  }
  std::string head = buffer_.substr(0, end + 2);
  buffer_.erase(0, end + 4);
  Answer answer;
  if (!head.starts_with("HTTP/1.1 ")) throw std::runtime_error("not an answer: " + head);
  answer.status = std::stoi(head.substr(9));
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t stop = head.find("\r\n", at), colon = head.find(": ", at);
    std::string name = head.substr(at, colon - at);
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    answer.headers.emplace(name, head.substr(colon + 2, stop - colon - 2));
    at = stop + 2;
  }
  const auto length = answer.headers.find("content-length");
  if (bodiless || length == answer.headers.end()) return answer;
  const std::size_t size = std::stoul(length->second);
  while (buffer_.size() < size) {
    if (!receive()) return {};
  }
  answer.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return answer;
}

std::optional<Answer> Client::ask(std::string_view request) {
  send(request);
  return answer();
}

bool Client::is_closed(std::chrono::milliseconds within) {
  char byte;
  return buffer_.empty() && is_readable(fd_, static_cast<int>(within.count())) &&
         ::recv(fd_, &byte, 1, 0) <= 0;
}

std::string Client::rest() {
  while (receive()) {
  }
  return std::exchange(buffer_, {});
}

}  // namespace sapwood::test
