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
    ticket_ = ticket;
    if (!left_) return;
  }
  Scheduler::Ticket(ticket).cancel();
}

bool Departure::left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

}  // namespace sapwood::serve
