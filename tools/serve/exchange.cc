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
    asio::dispatch(core_->io,
                   [connection = connection_, number = number_] { connection->abandon(number); });
  } catch (...) {  // no memory: the connection waits until its client leaves
  }
}

void PendingExchange::respond(HttpResponse response) {
  std::function<void()> call;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(answered_, true)) return;
    call = std::move(call_);
  }
  asio::dispatch(core_->io, [connection = connection_, number = number_,
                             response = std::move(response)]() mutable {
    connection->answer(number, std::move(response));
  });
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
