// TLS, by OpenSSL on the sockets of Asio: what Asio brings of its own keeps 77 kB for each idle connection, this 16.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <span>

#include "server.h"
#include "stream.h"

namespace sapwood::serve {

class TlsContext {
 public:
  // Errors: malformed (a file is missing or not what it should be).
  explicit TlsContext(const TlsFiles& files);

  std::unique_ptr<Stream> stream(Socket socket, std::span<char> scratch) const;

 private:
  std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> context_;
};

}  // namespace sapwood::serve
