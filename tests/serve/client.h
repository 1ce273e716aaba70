// A client that sends exactly the bytes it is told to.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sapwood::test {

struct Answer {
  int status = 0;
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;

  bool has(const std::string& name, const std::string& value) const;
};

class Client {
 public:
  explicit Client(std::uint16_t port);              // of 127.0.0.1
  explicit Client(const std::string& unix_socket);  // its path
  static Client with_small_buffers(
      std::uint16_t port);  // takes a few kB, then makes the server wait
  Client(Client&& other) noexcept;
  ~Client();

  // False where the server has closed the connection.
  bool send(std::string_view bytes);
  void send_each_byte(std::string_view bytes);
  // Nothing more will be sent.
  void shut_down();
  // Closes; `reset`: as a program that was killed, with unread bytes.
  void close(bool reset = false);

  // The next answer whole; nothing where the server closes first, or nothing comes for 20 s. `bodiless`: to HEAD.
  std::optional<Answer> answer(bool bodiless = false);
  // Sends a request and reads its answer.
  std::optional<Answer> ask(std::string_view request);
  // Whether the server closes, without another byte, within the time.
  bool is_closed(std::chrono::milliseconds within = std::chrono::seconds(20));
  // Whatever comes until the server closes.
  std::string rest();

  int fd() const { return fd_; }

 private:
  Client() = default;
  bool receive();  // more into buffer_

  int fd_ = -1;
  std::string buffer_;
};

}  // namespace sapwood::test
