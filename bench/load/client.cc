#include "client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace sapwood::load {
namespace {

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Bytes of the whole answer whose beginning this is, or 0 where its head is not complete.
std::size_t answer_size(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  std::string head(bytes.substr(0, end));
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  std::size_t length = 0;
  if (const std::size_t at = head.find("\r\ncontent-length:"); at != std::string::npos) {
    std::size_t from = head.find_first_not_of(' ', at + 17);
    if (from == std::string::npos) from = head.size();
    std::from_chars(head.data() + from, head.data() + head.size(), length);
  }
  return end + 4 + length;
}

int status_of(std::string_view bytes) {
  int status = 0;
  if (bytes.size() > 12) std::from_chars(bytes.data() + 9, bytes.data() + 12, status);
  return status;
}

bool closes(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, bytes.find("\r\n\r\n"));
  return head.find("onnection: close") != std::string_view::npos;
}

}  // namespace

struct Client::Connection {
  int fd = -1;
  std::string out, in;
  std::size_t written = 0;
  Pending request{};
  bool busy = false;
};

Client::Client(const std::string& address, std::string path,
               const std::vector<std::string>& headers)
    : path_(std::move(path)) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("the address wants HOST:PORT");
  host_ = address.substr(0, colon);
  port_ = std::stoi(address.substr(colon + 1));
  for (const std::string& header : headers) extra_ += header + "\r\n";
  rlimit files{};  // a connection for each request that waits
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  // Starts to the microsecond. Where the system allows it, this thread comes before all others: clients elsewhere would not
  // wait for this server's workers to end their turns on the processor.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  const sched_param first{.sched_priority = 1};
  ::sched_setscheduler(0, SCHED_FIFO, &first);
  poll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (poll_ < 0) throw std::runtime_error("epoll_create1 failed");
}

Client::~Client() {
  for (const auto& connection : connections_) {
    if (connection->fd >= 0) ::close(connection->fd);
  }
  ::close(poll_);
}

double Client::now() const { return seconds_of(CLOCK_MONOTONIC) - begin_; }

void Client::begin() {
  results_.clear();
  begin_ = seconds_of(CLOCK_MONOTONIC);
  processor_begin_ = seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

void Client::end() {
  span_ = now();
  processor_seconds_ = seconds_of(CLOCK_THREAD_CPUTIME_ID) - processor_begin_;
}

Client::Connection& Client::free_connection() {
  if (free_.empty()) {
    connections_.push_back(std::make_unique<Connection>());
    free_.push_back(connections_.back().get());
  }
  Connection& connection = *free_.back();
  free_.pop_back();
  if (connection.fd >= 0) return connection;
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port_));
  if (::inet_pton(AF_INET, host_.c_str(), &to.sin_addr) != 1) {
    throw std::runtime_error("the host must be an IPv4 address: " + host_);
  }
  if (connection.fd < 0 ||
      ::connect(connection.fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    throw std::runtime_error("cannot connect to " + host_ + ":" + std::to_string(port_) + ": " +
                             std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(connection.fd, F_SETFL, O_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &connection;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
  return connection;
}

void Client::send(Connection& connection, const Pending& pending, const std::string& body) {
  connection.request = pending;
  connection.request.sent = now();
  connection.busy = true;
  ++under_way_;
  connection.out =
      "POST " + path_ + " HTTP/1.1\r\nHost: " + host_ +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n" + extra_ + "\r\n" + body;
  connection.written = 0;
  connection.in.clear();
  write_more(connection);
}

void Client::write_more(Connection& connection) {
  while (connection.written < connection.out.size()) {
    const ssize_t count = ::send(connection.fd, connection.out.data() + connection.written,
                                 connection.out.size() - connection.written, MSG_NOSIGNAL);
    if (count < 0) break;
    connection.written += static_cast<std::size_t>(count);
  }
  epoll_event event{};
  event.events = EPOLLIN;
  if (connection.written < connection.out.size()) event.events |= EPOLLOUT;
  event.data.ptr = &connection;
  ::epoll_ctl(poll_, EPOLL_CTL_MOD, connection.fd, &event);
}

void Client::close(Connection& connection) {
  ::close(connection.fd);
  connection.fd = -1;
}

void Client::finish(Connection& connection, int status) {
  connection.busy = false;
  --under_way_;
  const auto& [start, body, sent] = connection.request;
  results_.push_back({start, 1e3 * (now() - start), 1e3 * (sent - start), status, body});
  free_.push_back(&connection);
}

bool Client::read_more(Connection& connection) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (count <= 0) {
      close(connection);
      if (connection.busy) finish(connection, 0);
      return true;
    }
    connection.in.append(buffer.data(), static_cast<std::size_t>(count));
    const std::size_t size = answer_size(connection.in);
    if (size == 0 || connection.in.size() < size || !connection.busy) continue;
    if (closes(connection.in)) close(connection);
    finish(connection, status_of(connection.in));
    return true;
  }
}

void Client::wait(double until) {
  // No spinning: the server may need this processor.
  const double left = std::max(0.0, until - now());
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(left);
  timeout.tv_nsec = static_cast<long>(1e9 * (left - std::floor(left)));
  std::array<epoll_event, 256> events;
  const int count =
      ::epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    Connection& connection =
        *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
    if (connection.fd < 0) continue;
    if ((events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0) write_more(connection);
    read_more(connection);
  }
}

std::vector<Result> Client::open_loop(const std::vector<std::string>& bodies,
                                      const std::vector<double>& starts) {
  begin();
  for (std::size_t next = 0; next < starts.size() || under_way_ > 0;) {
    if (next < starts.size() && now() >= starts[next]) {
      send(free_connection(), {starts[next], next % bodies.size()}, bodies[next % bodies.size()]);
      ++next;
      continue;
    }
    wait(next < starts.size() ? starts[next] : now() + 0.1);
    // Who has no answer long after the end gets none.
    if (next == starts.size() && !starts.empty() && now() > starts.back() + 30) break;
  }
  end();
  for (const auto& connection : connections_) {
    if (connection->busy) finish(*connection, 0);
  }
  return results_;
}

std::vector<Result> Client::closed_loop(const std::vector<std::string>& bodies, int clients,
                                        double seconds) {
  begin();
  std::size_t next = 0;
  const auto more = [&] {
    send(free_connection(), {now(), next % bodies.size()}, bodies[next % bodies.size()]);
    ++next;
  };
  while (now() < seconds || under_way_ > 0) {
    while (now() < seconds && under_way_ < static_cast<std::size_t>(clients)) more();
    wait(now() + 0.1);
    if (now() > seconds + 30) break;
  }
  end();
  return results_;
}

}  // namespace sapwood::load
