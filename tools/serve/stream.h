// Bytes to and from one client, with TLS (tls.h) and without. At most one read and one write at a time; what they call is
// called once, from the transport's thread and never before they return.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "asio.h"

namespace sapwood::serve {

using Socket = asio::generic::stream_protocol::socket;

class Stream {
 public:
  using Done = std::function<void(error_code)>;
  // Bytes that are there during the call; asio::error::eof where the client sends no more.
  using ReadDone = std::function<void(error_code, std::string_view)>;

  virtual ~Stream() = default;
  virtual void handshake(Done done) = 0;
  virtual void read(std::size_t most, ReadDone done) = 0;
  // Both parts in one go; they stay where they are until `done`.
  virtual void write(std::string_view first, std::string_view second, Done done) = 0;
  // Tells the client that nothing more will come.
  virtual void end() = 0;
  virtual void close() = 0;
};

// `scratch`: where the streams of one thread read to; an idle client has no buffer of its own.
std::unique_ptr<Stream> plain_stream(Socket socket, std::span<char> scratch);

}  // namespace sapwood::serve
