// One client: its requests one after another, the guard's answers, the application's, and the end. Everything here runs on
// the transport's thread.
//
//   handshake -> idle -> head -> body -> waiting -> writing -> idle ...
//                          |       |  (continuing: "100 Continue" is being written)
//                          +-------+-------------> writing -> lingering -> closed
//
// One read is always under way, in every state, while there is room for what it brings: so a client that leaves is noticed
// at once, and requests that it sends ahead (pipelining) wait in `ahead_`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core.h"
#include "exchange.h"
#include "request_parser.h"
#include "stream.h"

namespace sapwood::serve {

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Core& core, std::unique_ptr<Stream> stream)
      : core_(core), stream_(std::move(stream)) {}

  void start();
  // The application's answer to the request of this number, or that none will come.
  // `head`: of the request, where the answer is so long that it may have to be refused.
  void answer(std::uint64_t number, HttpResponse response, const HttpRequest* head);
  void abandon(std::uint64_t number, const HttpRequest& head);

  Clock::time_point deadline() const { return deadline_; }
  void on_deadline();
  void close_if_idle();
  void close();

  std::size_t place = 0;  // in Core's list

 private:
  enum class State { handshake, idle, head, body, continuing, waiting, writing, lingering, closed };

  // What is thrown (there was no memory) ends this connection alone.
  template <class Call>
  void guarded(Call call);
  // A member, to be called when something has ended.
  template <class... Arguments>
  auto then(void (Connection::*member)(Arguments...));

  void on_handshake(error_code error);
  void read();
  void on_read(error_code error, std::string_view bytes);
  void on_end(error_code error);
  void on_written(error_code error);
  void on_continued(error_code error);

  void take(std::string_view bytes);
  bool parse(std::string_view& bytes);
  bool on_head();
  void hand_over();
  void become_idle();

  void refuse(const Refusal& refusal, const HttpRequest& head);
  void write(HttpResponse response);
  void linger();
  void tell_left();
  void set_deadline(std::chrono::milliseconds from_now);
  void hold(std::size_t bytes);
  bool may_hold() const;

  Core& core_;
  const std::unique_ptr<Stream> stream_;
  State state_ = State::handshake;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::unique_ptr<RequestParser> parser_;  // while there is a request
  std::weak_ptr<PendingExchange> exchange_;
  std::uint64_t number_ = 0;  // of the request
  std::string ahead_;         // bytes that are not parsed yet
  std::string out_head_, out_body_;
  std::size_t lingered_ = 0;  // bytes
  std::size_t held_ =
      0;  // bytes of the body that is being read or the answer that is being written
  bool reading_ = false;   // a read is under way
  bool ended_ = false;     // the client sends no more: it has left, or waits for this answer alone
  bool closing_ = false;   // after this answer
  bool bodiless_ = false;  // the answer to HEAD
  bool dropping_ = false;  // the request is refused, and its body read
};

}  // namespace sapwood::serve
