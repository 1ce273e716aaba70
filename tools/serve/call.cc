#include "call.h"

namespace sapwood::serve {

void Departure::leave() {
  std::optional<Scheduler::Ticket> ticket;
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
    ticket = ticket_;
  }
  if (ticket) ticket->cancel();
}

void Departure::set(const Scheduler::Ticket& ticket) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    ticket_ = ticket;
    if (!left_) return;
  }
  Scheduler::Ticket(ticket).cancel();
}

void Departure::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  ticket_.reset();
}

bool Departure::left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

}  // namespace sapwood::serve
