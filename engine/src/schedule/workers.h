// The scheduler's workers, and the requests that they share.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>

#include "sapwood/scheduler.h"
#include "sapwood/session.h"
#include "schedule/queue.h"

namespace sapwood {
namespace schedule {

inline Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

inline std::optional<Time> time_of(const Deadline& deadline) {
  if (!deadline) return std::nullopt;
  return deadline->time_since_epoch();
}

// Copies of a model share its configuration.
inline ModelId id_of(const Model& model) { return reinterpret_cast<ModelId>(&model.config()); }

inline Settings settings_of(const SchedulerOptions& options, int workers) {
  if (options.batch_tokens < 1 || options.batch_tokens > 1 << 20) {
    throw Error(ErrorCode::invalid_argument, "batch_tokens: expected 1 to 1048576, found " +
                                                 std::to_string(options.batch_tokens));
  }
  if (options.max_wait < Time::zero()) {
    throw Error(ErrorCode::invalid_argument, "max_wait: expected no negative time");
  }
  Settings settings;
  settings.workers = workers;
  settings.batch_tokens = options.batch_tokens;
  settings.max_wait = options.max_wait;
  return settings;
}

// A request that was let in, until its end.
struct AcceptedRequest {
  Request request;
  std::vector<std::pair<std::size_t, std::size_t>> units;  // a job's window each
  Time submitted{};
  std::optional<Time> begun;
};

// A run of a worker, as the others see it.
struct RunUnderWay {
  std::vector<RequestId> waiting;  // requests that still want it
  std::stop_source stop;
};

}  // namespace schedule

struct Scheduler::Impl {
  using ModelId = schedule::ModelId;
  using RequestId = schedule::RequestId;
  using Time = schedule::Time;
  using Entry = schedule::AcceptedRequest;
  using UnderWay = schedule::RunUnderWay;

  explicit Impl(const SchedulerOptions& options)
      : team(options.team ? *options.team : Threads(0)),
        batch_tokens(options.batch_tokens),
        queue(schedule::settings_of(options, team.size())) {
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
      if (std::optional<schedule::Run> run = queue.next(schedule::now())) {
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
    for (const RequestId id : queue.take_late(schedule::now())) {
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
    const Time begin = schedule::now();
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
    const std::vector<RequestId> complete = queue.finish(run.id, schedule::now(), computed);
    if (computed) {
      for (const RequestId id : complete) end(id, {}, lock);
      return;
    }
    for (const RequestId id : waiting) {
      queue.remove(id);
      Completion completion{
          .status = error ? Completion::Status::failed : Completion::Status::deadline,
          .error = error};
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
    count(completion.status);
    for (auto& [run, under_way] : runs) {
      if (std::erase(under_way.waiting, id) > 0 && under_way.waiting.empty()) {
        under_way.stop.request_stop();
      }
    }
    const Time end = schedule::now();
    completion.queued = entry->begun.value_or(end) - entry->submitted;
    completion.computed = entry->begun ? end - *entry->begun : Time::zero();
    ++ending;
    lock.unlock();
    if (entry->request.done) entry->request.done(completion);
    lock.lock();
    --ending;
    if (is_idle()) all_done.notify_all();
  }

  void count(Completion::Status status) {
    switch (status) {
      case Completion::Status::done:
        ++counts.done;
        break;
      case Completion::Status::cancelled:
        ++counts.cancelled;
        break;
      case Completion::Status::deadline:
        ++counts.late;
        break;
      case Completion::Status::failed:
        ++counts.failed;
        break;
    }
  }

  bool is_idle() const { return queue.idle() && ending == 0; }

  void cancel(RequestId id) {
    std::unique_lock lock(mutex);
    if (!entries.contains(id)) return;
    queue.remove(id);
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
      queue.remove(id);
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
  schedule::Queue queue;
  std::map<RequestId, std::unique_ptr<Entry>> entries;
  std::map<schedule::RunId, UnderWay> runs;
  std::map<ModelId, Model> models;
  std::uint64_t removals = 0;
  int ending = 0;  // requests whose done is being called
  bool stopping = false;
  SchedulerStatistics counts;
  std::vector<std::thread> workers;
};

}  // namespace sapwood
