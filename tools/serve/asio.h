// Boost.Asio, included here alone.
#pragma once

// clang-format off
#include <utility>  // Boost 1.74 needs it first in C++20
// clang-format on

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace sapwood::serve {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace sapwood::serve
