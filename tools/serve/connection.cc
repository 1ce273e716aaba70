#include "connection.h"

#include <algorithm>

#include "response_head.h"

namespace sapwood::serve {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::size_t kWritePart = 1 << 20;  // what Timeouts::write is for

// "OPTIONS *" asks for the server, whatever the application serves.
HttpResponse server_options() {
  return {.status = 204, .headers = {{"Allow", "GET, HEAD, POST, OPTIONS"}}};
}

}  // namespace

template <class Call>
void Connection::guarded(Call call) {
  try {
    if (state_ != State::closed) call();
  } catch (...) {
    close();
  }
}

template <class... Arguments>
auto Connection::then(void (Connection::*member)(Arguments...)) {
  return [self = shared_from_this(), member](Arguments... arguments) {
    self->guarded([&] { (self.get()->*member)(arguments...); });
  };
}

// --- events

void Connection::start() {
  guarded([&] {
    set_deadline(core_.options.timeouts.request);
    stream_->handshake(then(&Connection::on_handshake));
  });
}

void Connection::on_handshake(error_code error) {
  if (error) return close();
  become_idle();
  read();
}

void Connection::read() {
  if (reading_ || ended_ || state_ == State::closed) return;
  const std::size_t limit = core_.options.limits.buffer;
  const bool at_once = ahead_.empty() && (state_ == State::body || state_ == State::lingering);
  const std::size_t room = at_once ? core_.scratch.size() : limit - std::min(limit, ahead_.size());
  if (room == 0) return;
  reading_ = true;
  stream_->read(room, then(&Connection::on_read));
}

void Connection::on_read(error_code error, std::string_view bytes) {
  reading_ = false;
  if (error) return on_end(error);
  if (state_ == State::lingering) {
    lingered_ += bytes.size();
    if (lingered_ > core_.options.limits.linger) return close();
  } else {
    take(bytes);
  }
  read();
}

// A client that has only shut down its sending cannot be told from one that has left.
void Connection::on_end(error_code error) {
  ended_ = true;
  if (state_ == State::waiting) tell_left();
  const bool answers = state_ == State::waiting || state_ == State::writing;
  if (error != asio::error::eof || !answers) close();
}

void Connection::on_deadline() {
  if ((state_ != State::head && state_ != State::body) || dropping_) return close();
  guarded([&] {
    if (state_ == State::head) parser_->find_path(ahead_);
    refuse({408, "the whole request was expected within " +
                     std::to_string(core_.options.timeouts.request.count()) + " ms"},
           parser_->request());
  });
}

void Connection::close_if_idle() {
  if (state_ == State::idle || state_ == State::handshake) close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  const bool waited = state_ == State::waiting;
  state_ = State::closed;
  deadline_ = Clock::time_point::max();
  stream_->close();
  hold(0);
  if (waited && !ended_) tell_left();
  core_.remove(*this);
}

// --- requests

// What the parser has not used is kept, and given again with more behind it.
void Connection::take(std::string_view bytes) {
  const bool first = ahead_.empty();
  if (!first) bytes = ahead_.append(bytes);
  std::string_view rest = bytes;
  while (parse(rest)) {
  }
  if (first) {
    ahead_.assign(rest);
  } else {
    ahead_.erase(0, ahead_.size() - rest.size());
  }
  if (ahead_.empty()) std::string().swap(ahead_);
}

// Whether there is more to do with `bytes`.
bool Connection::parse(std::string_view& bytes) {
  if (state_ == State::idle && !bytes.empty()) {
    parser_ = RequestParser::make(core_.options.limits);
    state_ = State::head;
    set_deadline(core_.options.timeouts.request);
  }
  if (state_ != State::head && state_ != State::body) return false;
  const RequestParser::Step step = parser_->feed(bytes);
  const HttpRequest& request = parser_->request();
  if (state_ == State::head) bodiless_ = request.method == "HEAD";
  hold(request.body.size());
  switch (step) {
    case RequestParser::Step::more:
      if (!may_hold())
        refuse({503, "too many long bodies are being read: come again later"}, request);
      return false;
    case RequestParser::Step::head:
      return on_head();
    case RequestParser::Step::complete:
      dropping_ ? become_idle() : hand_over();
      return true;
    case RequestParser::Step::refused:
      break;
  }
  dropping_ ? close() : refuse(parser_->refusal(), request);  // what is dropped has been answered
  return false;
}

bool Connection::on_head() try {
  const HttpRequest& head = parser_->request();
  const Framing& framing = parser_->framing();
  const Limits& limits = core_.options.limits;
  closing_ = !framing.keep_alive;
  std::optional<HttpResponse> answer =
      head.path == "*" ? server_options() : core_.app.refuse(head, framing.length);
  if (answer) {
    if (framing.chunked || framing.expects_continue ||
        framing.length.value_or(0) > limits.dropped_body) {
      closing_ = true;
    } else {
      dropping_ = true;
      parser_->drop_body();
    }
    write(std::move(*answer));
    return false;
  }
  const std::uint64_t most = core_.app.max_body(head);
  if (framing.length.value_or(0) > most) {
    refuse({413, "the body of this request may have " + std::to_string(most) + " bytes, and " +
                     std::to_string(*framing.length) + " are announced"},
           head);
    return false;
  }
  parser_->set_max_body(most);
  state_ = State::body;
  if (!framing.expects_continue || !framing.has_body()) return true;
  state_ = State::continuing;
  stream_->write(kContinue, {}, then(&Connection::on_continued));
  return false;
} catch (const std::exception& error) {
  refuse({500, std::string("the service failed: ") + error.what()}, parser_->request());
  return false;
}

void Connection::on_continued(error_code error) {
  if (error) return close();
  state_ = State::body;
  take({});
  read();
}

void Connection::hand_over() {
  const auto exchange = std::make_shared<PendingExchange>(
      core_.shared_from_this(), shared_from_this(), ++number_, std::move(parser_->request()));
  parser_.reset();
  hold(0);
  exchange_ = exchange;
  state_ = State::waiting;
  deadline_ = Clock::time_point::max();
  try {
    core_.app.handle(exchange);
  } catch (const std::exception& error) {
    if (state_ == State::waiting) {
      refuse({500, std::string("the service failed: ") + error.what()}, exchange->request());
    }
  }
}

void Connection::answer(std::uint64_t number, HttpResponse response, const HttpRequest* head) {
  if (number != number_ || state_ != State::waiting) return;
  guarded([&] {
    hold(response.body.size());
    if (head == nullptr || may_hold()) return write(std::move(response));
    response = {};
    refuse({503, "too many long answers wait for clients that read them slowly: come again later"},
           *head);
  });
}

void Connection::abandon(std::uint64_t number, const HttpRequest& head) {
  if (number != number_ || state_ != State::waiting) return;
  if (ended_) return close();
  guarded([&] { refuse({500, "the service gave no answer to this request"}, head); });
}

void Connection::tell_left() {
  ++core_.counts.left;
  try {
    if (const std::shared_ptr<PendingExchange> exchange = exchange_.lock()) exchange->leave();
  } catch (...) {  // the application's own; this connection ends all the same
  }
}

void Connection::become_idle() {
  parser_.reset();
  dropping_ = false;
  state_ = State::idle;
  set_deadline(core_.options.timeouts.idle);
}

// --- answers

// After a mistake in its framing nobody knows where a request ends: its connection does with the answer.
void Connection::refuse(const Refusal& refusal, const HttpRequest& head) {
  ++core_.counts.refused;
  closing_ = true;
  write(core_.app.error(head, refusal.status, refusal.message));
}

void Connection::write(HttpResponse response) {
  closing_ = closing_ || ended_ || core_.draining();
  out_head_.clear();
  append_head(out_head_, response, core_.date(), closing_);
  out_body_.clear();
  if (!bodiless_ && !has_no_body(response.status)) out_body_ = std::move(response.body);
  hold(out_body_.size());
  state_ = State::writing;
  set_deadline(core_.options.timeouts.write * (1 + out_body_.size() / kWritePart));
  stream_->write(out_head_, out_body_, then(&Connection::on_written));
}

void Connection::on_written(error_code error) {
  if (error) return close();
  std::string().swap(out_body_);
  hold(0);
  if (closing_ || ended_) return linger();
  if (dropping_) {
    state_ = State::body;
    set_deadline(core_.options.timeouts.request);
  } else {
    become_idle();
  }
  take({});
  if (state_ == State::idle && core_.ending()) return linger();
  read();
}

// A socket that is closed while bytes of its client are unread is reset, which may reach the client before the answer
// does: so ours is shut down first, and what comes is thrown away.
void Connection::linger() {
  parser_.reset();
  std::string().swap(ahead_);
  state_ = State::lingering;
  if (ended_) return close();
  set_deadline(core_.options.timeouts.linger);
  stream_->end();
  read();
}

void Connection::hold(std::size_t bytes) {
  core_.held += bytes - held_;
  held_ = bytes;
}

// Whether there is memory for what this connection holds: for little always, else while the others do not hold too much.
bool Connection::may_hold() const {
  const Limits& limits = core_.options.limits;
  return held_ <= limits.small || core_.held - held_ <= limits.held;
}

void Connection::set_deadline(std::chrono::milliseconds from_now) {
  deadline_ = Clock::now() + from_now;
  core_.watch(deadline_);
}

}  // namespace sapwood::serve
