#include "sapwood/scheduler.h"

#include <string>

#include "base/border.h"
#include "schedule/workers.h"

namespace sapwood {

using schedule::id_of;
using schedule::ModelId;
using schedule::now;
using schedule::RequestId;
using schedule::Time;
using schedule::time_of;

Scheduler::Scheduler(const SchedulerOptions& options) try : impl_(std::make_unique<Impl>(options)) {
} catch (...) {
  throw_as_error();
}
Scheduler::~Scheduler() = default;

void Scheduler::add(const Model& model) try {
  const int most = std::min(model.config().max_positions, impl_->batch_tokens);
  Session session(model, {.batch_tokens = most, .threads = 1, .team = impl_->team});
  // The first run of each size finds cold caches and pages that were never touched.
  for (const int tokens : {most, most, std::max(1, most / 8)}) {
    const std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens));
    session.clear();
    session.add({.ids = ids});
    const Time begin = now();
    session.run(Output::hidden);
    const Time needed = now() - begin;
    const std::lock_guard lock(impl_->mutex);
    impl_->queue.observe(id_of(model), 1, tokens, needed);
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->models.emplace(id_of(model), model);
} catch (...) {
  throw_as_error();
}

void Scheduler::remove(const Model& model) try {
  std::unique_lock lock(impl_->mutex);
  const auto at = impl_->models.find(id_of(model));
  if (at == impl_->models.end()) return;
  const Model kept = at->second;  // freed without the lock
  impl_->models.erase(at);
  ++impl_->removals;
  for (const RequestId id : impl_->queue.forget(id_of(model))) {
    impl_->end(id, {.status = Completion::Status::cancelled}, lock);
  }
  lock.unlock();
  impl_->work_there.notify_all();
} catch (...) {
  throw_as_error();
}

Admission Scheduler::admit(const Model& model, std::size_t texts, std::int64_t tokens,
                           const Deadline& deadline) const try {
  const std::lock_guard lock(impl_->mutex);
  const schedule::Verdict verdict =
      impl_->queue.admit(now(), id_of(model), texts, tokens, time_of(deadline));
  return {verdict.accepted && !impl_->stopping, verdict.wait};
} catch (...) {
  throw_as_error();
}

Scheduler::Submitted Scheduler::submit(Request request) try {
  auto entry = std::make_unique<schedule::AcceptedRequest>();
  std::vector<int> tokens;
  std::int64_t all_tokens = 0;
  const auto fail = [](const char* message) { throw Error(ErrorCode::invalid_argument, message); };
  if (request.jobs.empty()) fail("a request needs at least one job");
  for (std::size_t j = 0; j < request.jobs.size(); ++j) {
    const std::shared_ptr<TaskJob>& job = request.jobs[j];
    if (job == nullptr) fail("a request holds a job that is null");
    if (id_of(job->model()) != id_of(request.jobs.front()->model())) {
      fail("the jobs of a request must be of one model: submit a request for each");
    }
    for (std::size_t i = 0; i < job->windows().size(); ++i) {
      entry->units.emplace_back(j, i);
      tokens.push_back(static_cast<int>(job->windows()[i].ids.size()));
      all_tokens += tokens.back();
    }
  }
  const Model& model = request.jobs.front()->model();
  const ModelId id = id_of(model);
  entry->request = std::move(request);
  entry->submitted = now();
  const std::optional<Time> deadline = time_of(entry->request.deadline);

  std::unique_lock lock(impl_->mutex);
  const schedule::Verdict verdict =
      impl_->queue.admit(entry->submitted, id, tokens.size(), all_tokens, deadline);
  Submitted result{{verdict.accepted && !impl_->stopping, verdict.wait}, {}};
  if (!result.admission.accepted) {
    ++impl_->counts.refused;
    return result;
  }
  ++impl_->counts.accepted;
  if (tokens.empty()) {
    ++impl_->counts.done;
    lock.unlock();
    if (entry->request.done) entry->request.done({});
    return result;
  }
  impl_->models.emplace(id, model);
  const RequestId request_id = impl_->queue.add(entry->submitted, id, tokens, deadline);
  impl_->entries.emplace(request_id, std::move(entry));
  result.ticket = Ticket(this, request_id);
  lock.unlock();
  impl_->work_there.notify_one();
  return result;
} catch (...) {
  throw_as_error();
}

void Scheduler::Ticket::cancel() {
  if (scheduler_ != nullptr) scheduler_->cancel(id_);
}

void Scheduler::cancel(std::uint64_t ticket) { impl_->cancel(ticket); }

SchedulerStatistics Scheduler::statistics() const {
  const std::lock_guard lock(impl_->mutex);
  SchedulerStatistics statistics = impl_->counts;
  statistics.requests = impl_->entries.size();
  statistics.texts = impl_->queue.queued_units();
  statistics.busy = static_cast<int>(impl_->runs.size());
  statistics.workers = static_cast<int>(impl_->workers.size());
  statistics.wait = impl_->queue.wait(now());
  return statistics;
}

void Scheduler::drain() {
  std::unique_lock lock(impl_->mutex);
  impl_->all_done.wait(lock, [&] { return impl_->is_idle(); });
}

void Scheduler::stop() { impl_->stop(); }

void Scheduler::throw_unless_done(const Completion& completion) {
  switch (completion.status) {
    case Completion::Status::done:
      return;
    case Completion::Status::cancelled:
      throw Error(ErrorCode::cancelled, "the request was cancelled");
    case Completion::Status::deadline:
      throw Error(ErrorCode::deadline_exceeded,
                  "the request could not be answered before its deadline");
    case Completion::Status::failed:
      std::rethrow_exception(completion.error);
  }
}

Error Scheduler::refusal(const Admission& admission) try {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(admission.wait).count();
  return Error(ErrorCode::overloaded,
               "the service is overloaded: come again in " + std::to_string(ms) + " ms");
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
