// Sockets that listen.
#pragma once

#include <string>
#include <vector>

#include "server.h"

namespace sapwood::serve {

// An open descriptor, and a Unix socket's file while it is the one that was made.
class ListeningSocket {
 public:
  ListeningSocket(int fd, int family) : fd_(fd), family_(family) {}
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int fd() const { return fd_; }
  int family() const { return family_; }
  std::string address() const;  // "127.0.0.1:8080", "[::1]:8080", "unix:/path"
  std::uint16_t port() const;

  // Whoever took the descriptor closes it; the file is still removed here.
  int release_fd();
  // The file of a Unix socket, to be removed at the end.
  void own_file(const std::string& path);

 private:
  int fd_;
  int family_;
  std::string path_;
  std::uint64_t device_ = 0, inode_ = 0;
};

// All addresses of the host that this machine has (localhost may have two), on one port. `only_ipv6`: those of IPv6 take no
// clients of IPv4. Errors: io, not_found.
std::vector<ListeningSocket> listen_on(const TcpAddress& address, bool only_ipv6);
// A socket file on which nobody listens is replaced; anything else there is an error.
ListeningSocket listen_on(const UnixAddress& address);

// As many open files as the process may have; returns their number.
std::size_t raise_file_limit();

}  // namespace sapwood::serve
