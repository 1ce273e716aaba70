#include "core.h"

#include <algorithm>

#include "connection.h"
#include "response_head.h"

namespace sapwood::serve {
namespace {

// Deadlines are looked at no oftener: of 10,000 connections each has one.
constexpr std::chrono::milliseconds kSweep{20};

}  // namespace

std::string_view Core::date() {
  std::timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != dated_) {
    dated_ = now.tv_sec;
    date_ = http_date(dated_);
  }
  return date_;
}

void Core::add(std::shared_ptr<Connection> connection) {
  connection->place = connections_.size();
  connections_.push_back(std::move(connection));
  counts.connections = connections_.size();
  ++counts.accepted;
}

void Core::remove(Connection& connection) {
  const std::size_t place = connection.place;
  const std::shared_ptr<Connection> kept = std::move(connections_[place]);
  connections_[place] = std::move(connections_.back());
  if (connections_[place]) connections_[place]->place = place;
  connections_.pop_back();
  counts.connections = connections_.size();
  stop_if_done();
}

void Core::watch(Clock::time_point deadline) {
  if (deadline >= wake_) return;
  wake_ = std::max(deadline, Clock::now() + kSweep);
  timer_.expires_at(wake_);
  timer_.async_wait([this](error_code error) {
    if (!error) sweep();
  });
}

// From the end, because a connection that is removed is replaced by the last one.
void Core::sweep() {
  wake_ = Clock::time_point::max();
  const Clock::time_point now = Clock::now();
  Clock::time_point next = wake_;
  for (std::size_t i = connections_.size(); i-- > 0;) {
    const std::shared_ptr<Connection> connection = connections_[i];
    if (connection->deadline() <= now) connection->on_deadline();
    next = std::min(next, connection->deadline());
  }
  watch(next);
}

void Core::end_connections() {
  ending_ = true;
  for (std::size_t i = connections_.size(); i-- > 0;) connections_[i]->close_if_idle();
  stop_if_done();
}

void Core::close_connections() {
  while (!connections_.empty()) connections_.back()->close();
}

void Core::stop_if_done() {
  if (ending_ && connections_.empty()) io.stop();
}

}  // namespace sapwood::serve
