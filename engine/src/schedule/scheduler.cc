#include "sapwood/scheduler.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include "base/border.h"
#include "sapwood/session.h"
#include "schedule/queue.h"

namespace sapwood {
namespace {

using schedule::ModelId;
using schedule::Queue;
using schedule::RequestId;
using schedule::Time;

Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

std::optional<Time> time_of(const Deadline& deadline) {
  if (!deadline) return std::nullopt;
  return deadline->time_since_epoch();
}

// Copies of a model share its configuration.
ModelId id_of(const Model& model) { return reinterpret_cast<ModelId>(&model.config()); }

schedule::Settings settings_of(const SchedulerOptions& options, int workers) {
  if (options.batch_tokens < 1 || options.batch_tokens > 1 << 20) {
    throw Error(ErrorCode::invalid_argument, "batch_tokens: expected 1 to 1048576, found " +
                                                 std::to_string(options.batch_tokens));
  }
  if (options.max_wait < Time::zero()) {
    throw Error(ErrorCode::invalid_argument, "max_wait: expected no negative time");
  }
  schedule::Settings settings;
  settings.workers = workers;
  settings.batch_tokens = options.batch_tokens;
  settings.max_wait = options.max_wait;
  return settings;
}

// A request that was let in, until its end.
struct Entry {
  Request request;
  std::vector<std::pair<std::size_t, std::size_t>> units;  // a job's window each
  Time submitted{};
  std::optional<Time> begun;
};

// A run of a worker, as the others see it.
struct UnderWay {
  std::vector<RequestId> waiting;  // requests that still want it
  std::stop_source stop;
};

}  // namespace

struct Scheduler::Impl {
  explicit Impl(const SchedulerOptions& options)
      : team(options.team ? *options.team : Threads(0)),
        batch_tokens(options.batch_tokens),
        queue(settings_of(options, team.size())) {
    workers.reserve(static_cast<std::size_t>(team.size()));
    try {
      for (int i = 0; i < team.size(); ++i) workers.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      stop();
      throw Error(ErrorCode::out_of_memory, "the system grants no thread for each of " +
                                                std::to_string(team.size()) + " workers");
    } catch (...) {
      stop();
      throw;
    }
  }

  ~Impl() { stop(); }

  // --- what workers do

  using Sessions = std::map<ModelId, Session>;

  void work() {
    Sessions sessions;
    std::uint64_t seen = 0;  // of `removals`
    std::unique_lock lock(mutex);
    for (;;) {
      end_late(lock);
      if (seen != removals) {
        seen = removals;
        std::erase_if(sessions, [&](const auto& each) { return !models.contains(each.first); });
      }
      if (std::optional<schedule::Run> run = queue.next(now())) {
        if (queue.queued_units() > 0) work_there.notify_one();
        compute(*run, sessions, lock);
        if (queue.idle()) all_done.notify_all();
      } else if (stopping) {
        return;
      } else {
        work_there.wait(lock);
      }
    }
  }

  void end_late(std::unique_lock<std::mutex>& lock) {
    for (const RequestId id : queue.take_late(now())) {
      ++counts.late;
      end(id, {.status = Completion::Status::deadline}, lock);
    }
  }

  // What a run reads of its requests; they may be cancelled meanwhile.
  struct Work {
    std::vector<std::shared_ptr<TaskJob>> jobs;  // of each unit
    std::vector<std::size_t> windows;
    Deadline deadline;  // of the only request
    std::optional<Model> model;
  };

  Work begin(const schedule::Run& run, UnderWay& under_way) {
    Work work;
    const Time begin = now();
    for (const schedule::Unit& unit : run.units) {
      Entry& entry = *entries.at(unit.request);
      if (!entry.begun) entry.begun = begin;
      const auto& [job, window] = entry.units[unit.index];
      work.jobs.push_back(entry.request.jobs[job]);
      work.windows.push_back(window);
      if (std::find(under_way.waiting.begin(), under_way.waiting.end(), unit.request) ==
          under_way.waiting.end()) {
        under_way.waiting.push_back(unit.request);
      }
      work.deadline = entry.request.deadline;
    }
    if (under_way.waiting.size() > 1) work.deadline.reset();
    work.model = work.jobs.front()->model();
    return work;
  }

  void compute(const schedule::Run& run, Sessions& sessions, std::unique_lock<std::mutex>& lock) {
    UnderWay& under_way = runs[run.id];
    RunStatus status = RunStatus::ok;
    std::exception_ptr error;
    try {
      const Work work = begin(run, under_way);
      const StopToken stop = work.deadline ? StopToken(under_way.stop.get_token(), *work.deadline)
                                           : StopToken(under_way.stop.get_token());
      lock.unlock();
      status = compute(run, work, stop, sessions);
    } catch (...) {
      error = std::current_exception();
      sessions.erase(run.model);  // it may be what there was no memory for
    }
    if (!lock.owns_lock()) lock.lock();
    const std::vector<RequestId> waiting = std::move(under_way.waiting);
    runs.erase(run.id);
    ++counts.runs;
    for (const schedule::Unit& unit : run.units) counts.tokens += unit.tokens;
    const bool computed = error == nullptr && status == RunStatus::ok;
    const std::vector<RequestId> complete = queue.finish(run.id, now(), computed);
    if (computed) {
      for (const RequestId id : complete) {
        ++counts.done;
        end(id, {}, lock);
      }
      return;
    }
    for (const RequestId id : waiting) {
      queue.remove(id);
      Completion completion{
          .status = error ? Completion::Status::failed : Completion::Status::deadline,
          .error = error};
      ++(error ? counts.failed : counts.late);
      end(id, std::move(completion), lock);
    }
  }

  // Without the lock.
  RunStatus compute(const schedule::Run& run, const Work& work, const StopToken& stop,
                    Sessions& sessions) const {
    int longest = batch_tokens;
    bool head = false;
    for (std::size_t i = 0; i < work.jobs.size(); ++i) {
      longest = std::max(longest, static_cast<int>(window(work, i).ids.size()));
      head |= work.jobs[i]->output() == Output::head;
    }
    const Output output = head ? Output::head : Output::hidden;
    Session& session = session_for(*work.model, run.model, longest, sessions);
    for (std::size_t next = 0; next < work.jobs.size();) {
      session.clear();
      const std::size_t first = next;
      while (next < work.jobs.size() && session.add(window(work, next))) ++next;
      const RunStatus status = session.run(output, stop, run.threads);
      if (status != RunStatus::ok) return status;
      for (std::size_t i = first; i < next; ++i) {
        TaskJob& job = *work.jobs[i];
        job.take(work.windows[i], session.rows(job.output(), i - first));
      }
    }
    return RunStatus::ok;
  }

  static const Sequence& window(const Work& work, std::size_t i) {
    return work.jobs[i]->windows()[work.windows[i]];
  }

  Session& session_for(const Model& model, ModelId id, int tokens, Sessions& sessions) const {
    if (const auto at = sessions.find(id); at != sessions.end()) {
      if (at->second.batch_tokens() >= tokens) return at->second;
      sessions.erase(at);
    }
    const int capacity = std::max({tokens, batch_tokens, std::min(model.max_length(), 512)});
    return sessions.emplace(id, Session(model, {.batch_tokens = capacity, .team = team}))
        .first->second;
  }

  // --- ends of requests

  // Calls done without the lock. The queue has forgotten the request.
  void end(RequestId id, Completion completion, std::unique_lock<std::mutex>& lock) {
    const auto at = entries.find(id);
    if (at == entries.end()) return;
    const std::unique_ptr<Entry> entry = std::move(at->second);
    entries.erase(at);
    for (auto& [run, under_way] : runs) {
      if (std::erase(under_way.waiting, id) > 0 && under_way.waiting.empty()) {
        under_way.stop.request_stop();
      }
    }
    const Time end = now();
    completion.queued = entry->begun.value_or(end) - entry->submitted;
    completion.computed = entry->begun ? end - *entry->begun : Time::zero();
    ++ending;
    lock.unlock();
    if (entry->request.done) entry->request.done(completion);
    lock.lock();
    --ending;
    if (is_idle()) all_done.notify_all();
  }

  bool is_idle() const { return queue.idle() && ending == 0; }

  void cancel(RequestId id) {
    std::unique_lock lock(mutex);
    if (!entries.contains(id)) return;
    queue.remove(id);
    ++counts.cancelled;
    end(id, {.status = Completion::Status::cancelled}, lock);
  }

  void stop() {
    std::unique_lock lock(mutex);
    stopping = true;
    std::vector<RequestId> queued;
    for (const auto& [id, entry] : entries) {
      if (!entry->begun) queued.push_back(id);
    }
    for (const RequestId id : queued) {
      if (!queue.remove(id)) continue;
      ++counts.cancelled;
      end(id, {.status = Completion::Status::cancelled}, lock);
    }
    lock.unlock();
    work_there.notify_all();
    for (std::thread& worker : workers) {
      if (worker.joinable()) worker.join();
    }
  }

  const Threads team;
  const int batch_tokens;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable work_there, all_done;
  Queue queue;
  std::map<RequestId, std::unique_ptr<Entry>> entries;
  std::map<schedule::RunId, UnderWay> runs;
  std::map<ModelId, Model> models;
  std::uint64_t removals = 0;
  int ending = 0;  // requests whose done is being called
  bool stopping = false;
  SchedulerStatistics counts;
  std::vector<std::thread> workers;
};

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
    ++impl_->counts.cancelled;
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
  auto entry = std::make_unique<Entry>();
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
