#include "exchange.h"

#include <utility>

#include "connection.h"

namespace sapwood::serve {

PendingExchange::PendingExchange(std::shared_ptr<Core> core, std::shared_ptr<Connection> connection,
                                 std::uint64_t number, HttpRequest request)
    : core_(std::move(core)),
      connection_(std::move(connection)),
      number_(number),
      request_(std::move(request)) {}

PendingExchange::~PendingExchange() {
  if (answered_) return;
  try {
    asio::dispatch(core_->io, [connection = connection_, number = number_, head = copy_head()] {
      connection->abandon(number, *head);
    });
  } catch (...) {  // no memory: the connection waits until its client leaves
  }
}

// For answers that the connection gives when this is gone.
std::shared_ptr<const HttpRequest> PendingExchange::copy_head() const {
  auto head = std::make_shared<HttpRequest>();
  head->method = request_.method;
  head->path = request_.path;
  return head;
}

void PendingExchange::respond(HttpResponse response) {
  std::function<void()> call;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(answered_, true)) return;
    call = std::move(call_);
  }
  try {
    std::shared_ptr<const HttpRequest> head;
    if (response.body.size() > core_->options.limits.small) head = copy_head();
    asio::dispatch(core_->io, [connection = connection_, number = number_, head = std::move(head),
                               response = std::move(response)]() mutable {
      connection->answer(number, std::move(response), head.get());
    });
  } catch (...) {  // no memory: the request has no answer yet, and the last who holds it says so
    const std::lock_guard lock(mutex_);
    answered_ = false;
    throw;
  }
}

void PendingExchange::on_left(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    if (answered_) return;
    if (!left_) {
      call_ = std::move(call);
      return;
    }
  }
  call();
}

void PendingExchange::leave() {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    if (!answered_) call = std::move(call_);
  }
  if (call) call();
}

}  // namespace sapwood::serve
