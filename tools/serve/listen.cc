#include "listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood::serve {
namespace {

constexpr int kBacklog = 4096;  // the system takes its own maximum where that is less

[[noreturn]] void fail(const std::string& what, int error, const char* advice = "") {
  throw Error(ErrorCode::io, what + ": " + std::generic_category().message(error) + advice);
}

ListeningSocket open_unix_socket() {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("cannot open a socket", errno);
  return {fd, AF_UNIX};
}

// Nothing where the system refuses, which errno explains.
std::optional<ListeningSocket> listen_at(const addrinfo& found, bool only_ipv6) {
  const int fd = ::socket(found.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  ListeningSocket socket(fd, found.ai_family);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (only_ipv6 && found.ai_family == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(fd, found.ai_addr, found.ai_addrlen) != 0 || ::listen(fd, kBacklog) != 0) return {};
  return socket;
}

[[noreturn]] void fail_to_listen(const std::string& name, int error) {
  fail("cannot listen on " + quote(name), error,
       error == EADDRINUSE ? "; end what listens there or choose another port"
       : error == EACCES   ? "; ports below 1024 are the system's"
                           : "");
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw Error(ErrorCode::invalid_argument, "the path of a Unix socket may have " +
                                                 std::to_string(sizeof address.sun_path - 1) +
                                                 " bytes, found " + quote(path));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// Removes the file of a server that has ended without doing so.
void remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) {
    if (errno == ENOENT) return;
    fail("cannot look at " + quote(path), errno);
  }
  if (!S_ISSOCK(file.st_mode)) {
    throw Error(ErrorCode::io, "cannot listen on " + quote(path) +
                                   ": there is a file that is no socket; name another path");
  }
  const ListeningSocket probe = open_unix_socket();
  if (::connect(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    throw Error(ErrorCode::io, "cannot listen on " + quote(path) +
                                   ": another server does; end it or name another path");
  }
  if (errno != ECONNREFUSED) fail("cannot find out who listens on " + quote(path), errno);
  if (::unlink(path.c_str()) != 0) fail("cannot replace " + quote(path), errno);
}

}  // namespace

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      family_(other.family_),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListeningSocket::~ListeningSocket() {
  if (fd_ >= 0) ::close(fd_);
  struct stat file {};
  if (!path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
      file.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

int ListeningSocket::release_fd() { return std::exchange(fd_, -1); }

void ListeningSocket::own_file(const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) fail("cannot look at " + quote(path), errno);
  path_ = path;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

std::uint16_t ListeningSocket::port() const {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);  // where sockaddr_in has it, too
}

std::string ListeningSocket::address() const {
  if (family_ == AF_UNIX) return "unix:" + path_;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char host[NI_MAXHOST] = "";
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host, sizeof host, nullptr, 0,
                NI_NUMERICHOST);
  const std::string name = family_ == AF_INET6 ? "[" + std::string(host) + "]" : host;
  return name + ":" + std::to_string(port());
}

TcpAddress parse_tcp_address(std::string_view text) {
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(std::min(colon + 1, text.size()));
  bool good = true;
  if (host.starts_with('[')) {
    good = host.ends_with(']') && host.find(':') != host.npos;
    host = host.substr(1, host.size() - std::min<std::size_t>(2, host.size()));
  } else {
    good = host.find_first_of(":[]") == host.npos;
  }
  TcpAddress address{std::string(host)};
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, address.port);
  if (good && !host.empty() && error == std::errc() && stop == end) return address;
  throw Error(ErrorCode::invalid_argument,
              "expected HOST:PORT or [IPV6]:PORT with a port up to 65535, found " + quote(text));
}

std::vector<ListeningSocket> listen_on(const TcpAddress& address, bool only_ipv6) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  std::vector<ListeningSocket> sockets;
  std::uint16_t port = address.port;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    throw Error(ErrorCode::not_found, "expected the name or address of a host, found " +
                                          quote(address.host) + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  int missing =
      0;  // error of an address that this machine does not have, as ::1 in many containers
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    // The port that was free for the first address is the others' too.
    reinterpret_cast<sockaddr_in6*>(each->ai_addr)->sin6_port = htons(port);
    if (std::optional<ListeningSocket> socket = listen_at(*each, only_ipv6)) {
      port = socket->port();
      sockets.push_back(std::move(*socket));
    } else if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT) {
      missing = errno;
    } else {
      fail_to_listen(address.host + ":" + std::to_string(port), errno);
    }
  }
  if (sockets.empty()) fail_to_listen(address.host + ":" + std::to_string(port), missing);
  return sockets;
}

ListeningSocket listen_on(const UnixAddress& address) {
  const sockaddr_un bound = unix_address(address.path);
  remove_stale(address.path, bound);
  ListeningSocket socket = open_unix_socket();
  if (::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&bound), sizeof bound) != 0) {
    fail("cannot listen on " + quote(address.path), errno);
  }
  socket.own_file(address.path);
  // Nobody can connect before listen(), so that the mode is there in time.
  if (::chmod(address.path.c_str(), address.mode) != 0 || ::listen(socket.fd(), kBacklog) != 0) {
    fail("cannot listen on " + quote(address.path), errno);
  }
  return socket;
}

std::size_t raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

}  // namespace sapwood::serve
