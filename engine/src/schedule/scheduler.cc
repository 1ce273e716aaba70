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
  std::vector<std::pair<int, Time>> measured;
  for (const int tokens : {most, std::max(1, most / 8)}) {
    const std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens));
    session.clear();
    session.add({.ids = ids});
    // The first run of each size finds cold caches and pages that were never touched.
    session.run(Output::hidden);
    const Time begin = now();
    session.run(Output::hidden);
    measured.emplace_back(tokens, now() - begin);
  }
  const std::lock_guard lock(impl_->mutex);
  impl_->models.emplace(id_of(model), model);
  for (const auto& [tokens, needed] : measured) {
    impl_->queue.observe(id_of(model), 1, tokens, needed);
  }
} catch (...) {
  throw_as_error();
}

void Scheduler::remove(const Model& model) try {
  std::unique_lock lock(impl_->mutex);
  const std::vector<RequestId> gone = impl_->queue.forget(id_of(model));
  auto node = impl_->models.extract(id_of(model));
  ++impl_->removals;
  for (const RequestId id : gone) {
    impl_->end(id, {.status = Completion::Status::cancelled}, lock);
  }
  lock.unlock();
  impl_->work_there.notify_all();
} catch (...) {
  throw_as_error();
}

namespace {

Admission admission_of(const schedule::Verdict& verdict, bool stopping,
                       const std::optional<Time>& deadline) {
  Admission admission{.accepted = verdict.accepted && !stopping, .wait = verdict.wait};
  if (stopping) {
    admission.refusal = Admission::Refusal::stopped;
  } else if (deadline && *deadline <= now()) {
    admission.refusal = Admission::Refusal::deadline;
  } else if (!verdict.accepted) {
    admission.refusal = Admission::Refusal::overloaded;
  }
  return admission;
}

// The units of a request, and the tokens of each. Throws Error invalid_argument.
std::vector<int> read_units(schedule::AcceptedRequest& entry) {
  const std::vector<std::shared_ptr<TaskJob>>& jobs = entry.request.jobs;
  const auto fail = [](const char* message) { throw Error(ErrorCode::invalid_argument, message); };
  if (jobs.empty()) fail("a request needs at least one job");
  std::vector<int> tokens;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    if (jobs[j] == nullptr) fail("a request holds a job that is null");
    if (id_of(jobs[j]->model()) != id_of(jobs.front()->model())) {
      fail("the jobs of a request must be of one model: submit a request for each");
    }
    if (jobs[j]->missing() != jobs[j]->windows().size()) {
      fail("a job has rows already: it is run once, make a new one");
    }
    for (std::size_t i = 0; i < jobs[j]->windows().size(); ++i) {
      entry.units.emplace_back(j, i);
      tokens.push_back(static_cast<int>(jobs[j]->windows()[i].ids.size()));
    }
  }
  return tokens;
}

}  // namespace

Admission Scheduler::admit(const Model& model, std::size_t texts, std::int64_t tokens,
                           const Deadline& deadline) const try {
  const std::lock_guard lock(impl_->mutex);
  const std::optional<Time> time = time_of(deadline);
  return admission_of(impl_->queue.admit(now(), id_of(model), texts, tokens, time), impl_->stopping,
                      time);
} catch (...) {
  throw_as_error();
}

Scheduler::Submitted Scheduler::submit(Request request, std::uint64_t* ticket) try {
  auto entry = std::make_unique<schedule::AcceptedRequest>();
  entry->request = std::move(request);
  const std::vector<int> tokens = read_units(*entry);
  const std::vector<std::shared_ptr<TaskJob>>& jobs = entry->request.jobs;
  const Model& model = jobs.front()->model();
  const std::optional<Time> deadline = time_of(entry->request.deadline);
  std::int64_t all_tokens = 0;
  for (const int each : tokens) all_tokens += each;
  // Without a text to run, the request is only admitted, and has its end.
  std::set<const TaskJob*> queued;
  for (const auto& job : jobs) {
    if (!queued.insert(job.get()).second) {
      throw Error(ErrorCode::invalid_argument, "a request holds a job twice: it is run once");
    }
  }

  std::unique_lock lock(impl_->mutex);
  entry->submitted = now();
  for (const TaskJob* job : queued) {
    if (!impl_->queued_jobs.contains(job)) continue;
    throw Error(ErrorCode::invalid_argument,
                "a job is queued already: it is run once, make a new one");
  }
  const schedule::Verdict verdict =
      impl_->queue.admit(entry->submitted, id_of(model), tokens.size(), all_tokens, deadline);
  Submitted result{admission_of(verdict, impl_->stopping, deadline), {}};
  if (!result.admission.accepted) {
    ++impl_->counts.refused;
    return result;
  }
  const RequestId id = impl_->queue.new_id();
  impl_->models.emplace(id_of(model), model);
  const auto at = impl_->entries.emplace(id, std::move(entry)).first;
  if (!tokens.empty()) {
    try {
      impl_->queue.add(id, id_of(model), tokens, deadline);
    } catch (...) {
      auto node = impl_->entries.extract(at);
      lock.unlock();
      throw;
    }
  }
  impl_->queued_jobs.merge(queued);
  ++impl_->counts.accepted;
  result.ticket = Ticket(this, id);
  if (ticket != nullptr) *ticket = id;
  impl_->tell_deadline();
  if (tokens.empty()) {
    impl_->end(id, {}, lock);
    return result;
  }
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
  statistics.requests = impl_->entries.size() + impl_->ending.size();
  statistics.texts = impl_->queue.queued_units();
  for (const schedule::Worker& worker : impl_->workers) statistics.busy += worker.run != nullptr;
  statistics.workers = static_cast<int>(impl_->workers.size());
  statistics.wait = impl_->queue.wait(now());
  return statistics;
}

void Scheduler::drain() { impl_->drain(); }

void Scheduler::stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->require_outside_done("stop()");
  }
  impl_->stop();
}

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
  switch (admission.refusal) {
    case Admission::Refusal::deadline:
      return Error(ErrorCode::deadline_exceeded, "the request's deadline has passed");
    case Admission::Refusal::stopped:
      return Error(ErrorCode::cancelled, "the service is stopping and takes no requests any more");
    case Admission::Refusal::none:
    case Admission::Refusal::overloaded:
      break;
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(admission.wait).count();
  return Error(ErrorCode::overloaded,
               "the service is overloaded: come again in " + std::to_string(ms) + " ms");
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
