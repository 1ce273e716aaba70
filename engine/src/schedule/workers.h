// The scheduler's workers, and the requests that they share.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "run/packed_run.h"
#include "sapwood/scheduler.h"
#include "sapwood/session.h"
#include "schedule/accepted.h"

namespace sapwood {

struct Scheduler::Impl {
  using ModelId = schedule::ModelId;
  using RequestId = schedule::RequestId;
  using Time = schedule::Time;
  using Entry = schedule::AcceptedRequest;
  using Lock = std::unique_lock<std::mutex>;

  explicit Impl(const SchedulerOptions& options)
      : team(options.team ? *options.team : Threads(0)),
        batch_tokens(options.batch_tokens),
        queue(schedule::settings_of(options, team.size())),
        workers(static_cast<std::size_t>(team.size())) {
    threads.reserve(workers.size() + 1);
    try {
      for (schedule::Worker& worker : workers)
        threads.emplace_back([this, &worker] { work(worker); });
      threads.emplace_back([this] { watch_deadlines(); });
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

  void work(schedule::Worker& worker) {
    Sessions sessions;
    std::uint64_t seen = 0;  // of `removals`
    Lock lock(mutex);
    for (;;) {
      while (const std::optional<RequestId> late = queue.take_late(schedule::now())) {
        end(*late, {.status = Completion::Status::deadline}, lock);
      }
      if (seen != removals) {
        seen = removals;
        drop_sessions(sessions, lock);
        continue;
      }
      try {
        worker.run = queue.next(schedule::now());
      } catch (const std::bad_alloc&) {
        // Nothing was handed out. Memory may be there again in a moment.
        work_there.wait_for(lock, std::chrono::milliseconds(10));
        continue;
      }
      if (worker.run != nullptr) {
        if (queue.queued_units() > 0) work_there.notify_one();
        compute(worker, sessions, lock);
        if (is_idle()) all_done.notify_all();
      } else if (stopping) {
        return;
      } else {
        work_there.wait(lock);
      }
    }
  }

  // Ends requests whose deadline passes while every worker is busy.
  void watch_deadlines() {
    Lock lock(mutex);
    while (!stopping) {
      while (const std::optional<RequestId> late = queue.take_late(schedule::now())) {
        end(*late, {.status = Completion::Status::deadline}, lock);
      }
      if (stopping) return;
      watched = queue.next_late();
      if (watched) {
        const std::chrono::steady_clock::time_point wake(*watched);
        deadline_there.wait_until(lock, wake);
      } else {
        deadline_there.wait(lock);
      }
    }
  }

  // A request was queued. Its deadline may come before the one that is waited for.
  void tell_deadline() {
    const std::optional<Time> next = queue.next_late();
    if (next && (!watched || *next < *watched)) deadline_there.notify_one();
  }

  // Frees the memory for models that were removed, without the lock.
  void drop_sessions(Sessions& sessions, Lock& lock) {
    Sessions dropped;
    for (auto at = sessions.begin(); at != sessions.end();) {
      const auto next = std::next(at);
      if (!models.contains(at->first)) dropped.insert(sessions.extract(at));
      at = next;
    }
    lock.unlock();
    dropped.clear();
    lock.lock();
  }

  // What a run reads of its requests; they may end meanwhile.
  struct Work {
    std::vector<std::shared_ptr<TaskJob>> jobs;  // of each unit
    std::vector<std::size_t> windows;
    Deadline deadline;  // of the only request
    std::optional<Model> model;
    const Sequence& window(std::size_t i) const { return jobs[i]->windows()[windows[i]]; }
  };

  Work begin(const schedule::Run& run) {
    Work work;
    bool several = false;
    for (const schedule::Unit& unit : run.units) {
      Entry& entry = *entries.at(unit.request);
      if (!entry.begun) entry.begun = run.begin;
      const auto& [job, window] = entry.units[unit.index];
      work.jobs.push_back(entry.request.jobs[job]);
      work.windows.push_back(window);
      work.deadline = entry.request.deadline;
      several |= unit.request != run.units.front().request;
    }
    if (several) work.deadline.reset();
    work.model = work.jobs.front()->model();
    return work;
  }

  void compute(schedule::Worker& worker, Sessions& sessions, Lock& lock) {
    const schedule::Run& run = *worker.run;
    RunStatus status = RunStatus::ok;
    std::exception_ptr error;
    try {
      worker.stop = std::stop_source();
      Work work = begin(run);
      const StopToken stop = work.deadline ? StopToken(worker.stop.get_token(), *work.deadline)
                                           : StopToken(worker.stop.get_token());
      lock.unlock();
      status = run_units(worker, work, stop, sessions, lock);
      if (lock.owns_lock()) lock.unlock();
      work = {};  // the last who holds a job may free it, and its model: not under the lock
    } catch (...) {
      error = std::current_exception();
      if (lock.owns_lock()) lock.unlock();
      sessions.erase(run.model);  // it may be what there was no memory for
    }
    lock.lock();
    const bool computed = error == nullptr && status == RunStatus::ok;
    if (computed) {
      ++counts.runs;
      for (const schedule::Unit& unit : run.units) counts.tokens += unit.tokens;
    }
    const Time ended = schedule::now(), per_token = schedule::time_per_token(run, ended);
    // The requests of a run that did not come to its end, and those that had a job that failed.
    for (std::size_t i = 0; i < run.units.size(); ++i) {
      const RequestId id = run.units[i].request;
      const auto at = entries.find(id);
      if (at == entries.end()) continue;
      at->second->processor += per_token * run.units[i].tokens;
      const std::exception_ptr own = at->second->error ? at->second->error : error;
      if (computed && !own) continue;
      queue.remove(id);
      end(id,
          {.status = own ? Completion::Status::failed : Completion::Status::deadline, .error = own},
          lock);
    }
    const std::vector<RequestId> complete = queue.finish(run.id, ended, computed);
    worker.run = nullptr;
    for (const RequestId id : complete) end(id, {}, lock);
  }

  // Begins without the lock.
  RunStatus run_units(schedule::Worker& worker, const Work& work, const StopToken& stop,
                      Sessions& sessions, Lock& lock) {
    int longest = batch_tokens;
    bool head = false;
    for (std::size_t i = 0; i < work.jobs.size(); ++i) {
      longest = std::max(longest, static_cast<int>(work.window(i).ids.size()));
      head |= work.jobs[i]->output() == Output::head;
    }
    Session& session = session_for(*work.model, worker.run->model, longest, sessions);
    for (std::size_t next = 0; next < work.jobs.size();) {
      session.clear();
      const std::size_t first = next;
      while (next < work.jobs.size() && session.add(work.window(next))) ++next;
      const RunStatus status =
          session.run(head ? Output::head : Output::hidden, stop, worker.run->threads);
      if (status != RunStatus::ok) return status;
      take_rows(worker, work, session, first, next, lock);
    }
    return RunStatus::ok;
  }

  // Gives the jobs of the units [first, end) their rows. A request that ends meanwhile waits for it (end()), because its
  // caller may free the texts then; the jobs of those that have ended are left out.
  void take_rows(schedule::Worker& worker, const Work& work, const Session& session,
                 std::size_t first, std::size_t end, Lock& lock) {
    std::vector<std::pair<std::size_t, std::exception_ptr>> live;
    live.reserve(end - first);
    lock.lock();
    for (std::size_t i = first; i < end; ++i) {
      if (entries.contains(worker.run->units[i].request)) live.emplace_back(i, nullptr);
    }
    worker.taking = true;
    lock.unlock();
    for (auto& [i, error] : live) {
      try {
        TaskJob& job = *work.jobs[i];
        job.take(work.windows[i], session.rows(job.output(), i - first));
      } catch (...) {
        error = std::current_exception();
      }
    }
    lock.lock();
    worker.taking = false;
    taken.notify_all();
    for (const auto& [i, error] : live) {
      if (!error) continue;
      if (const auto at = entries.find(worker.run->units[i].request); at != entries.end()) {
        at->second->error = error;
      }
    }
    lock.unlock();
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

  static bool has(const schedule::Run& run, RequestId id) {
    return std::any_of(run.units.begin(), run.units.end(),
                       [id](const schedule::Unit& unit) { return unit.request == id; });
  }

  // Calls done, without the lock. The queue has forgotten the request. Allocates nothing.
  void end(RequestId id, Completion completion, Lock& lock) noexcept {
    auto node = entries.extract(id);
    if (node.empty()) return;
    Entry& entry = *node.mapped();
    entry.ender = std::this_thread::get_id();
    ending.insert(std::move(node));
    for (const std::shared_ptr<TaskJob>& job : entry.request.jobs) queued_jobs.erase(job.get());
    count(completion.status);
    // A run that nobody waits for any more is stopped.
    for (schedule::Worker& worker : workers) {
      if (worker.run == nullptr || !has(*worker.run, id)) continue;
      const std::vector<schedule::Unit>& units = worker.run->units;
      if (std::none_of(units.begin(), units.end(), [this](const schedule::Unit& unit) {
            return entries.contains(unit.request);
          })) {
        worker.stop.request_stop();
      }
    }
    taken.wait(lock, [&] {
      return std::none_of(workers.begin(), workers.end(), [id](const schedule::Worker& worker) {
        return worker.taking && has(*worker.run, id);
      });
    });
    const Time end = schedule::now();
    completion.queued = entry.begun.value_or(end) - entry.submitted;
    completion.computed = entry.begun ? end - *entry.begun : Time::zero();
    completion.processor = entry.processor;
    lock.unlock();
    if (entry.request.done) entry.request.done(completion);
    lock.lock();
    auto ended = ending.extract(id);
    all_done.notify_all();
    end_called.notify_all();
    lock.unlock();
    ended = {};  // what done holds may call the scheduler when it is destroyed
    lock.lock();
  }

  void count(Completion::Status status) noexcept {
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

  bool is_idle() const { return queue.idle() && entries.empty() && ending.empty(); }

  // Whether this thread is inside a request's done.
  bool is_ending() const {
    return std::any_of(ending.begin(), ending.end(), [](const auto& each) {
      return each.second->ender == std::this_thread::get_id();
    });
  }

  void cancel(RequestId id) {
    Lock lock(mutex);
    if (entries.contains(id)) {
      queue.remove(id);
      end(id, {.status = Completion::Status::cancelled}, lock);
      return;
    }
    // Another thread is calling done: when this returns, it has.
    end_called.wait(lock, [&] {
      const auto at = ending.find(id);
      return at == ending.end() || at->second->ender == std::this_thread::get_id();
    });
  }

  // Throws Error invalid_argument inside done, which it would wait for.
  void drain() {
    Lock lock(mutex);
    require_outside_done("drain()");
    all_done.wait(lock, [&] { return is_idle(); });
  }

  void require_outside_done(const char* what) const {
    if (!is_ending()) return;
    throw Error(ErrorCode::invalid_argument,
                std::string(what) + " inside Request::done would wait for itself");
  }

  void stop() {
    Lock lock(mutex);
    stopping = true;
    for (;;) {
      const auto queued = std::find_if(entries.begin(), entries.end(),
                                       [](const auto& each) { return !each.second->begun; });
      if (queued == entries.end()) break;
      const RequestId id = queued->first;
      queue.remove(id);
      end(id, {.status = Completion::Status::cancelled}, lock);
    }
    work_there.notify_all();
    deadline_there.notify_all();
    // Of several callers one joins, and the others wait for it.
    if (!std::exchange(joining, true)) {
      lock.unlock();
      for (std::thread& thread : threads) thread.join();
      lock.lock();
      joined = true;
      all_done.notify_all();
    }
    all_done.wait(lock, [&] { return joined && ending.empty(); });
  }

  const Threads team;
  const int batch_tokens;
  mutable std::mutex mutex;  // guards what follows
  std::condition_variable work_there, deadline_there, all_done, taken, end_called;
  schedule::Queue queue;
  std::map<RequestId, std::unique_ptr<Entry>> entries;
  std::map<RequestId, std::unique_ptr<Entry>> ending;  // those whose done is being called
  std::set<const TaskJob*> queued_jobs;                // of all entries
  std::map<ModelId, Model> models;
  std::uint64_t removals = 0;
  std::optional<Time> watched;  // when watch_deadlines wakes by itself
  bool stopping = false, joining = false, joined = false;
  SchedulerStatistics counts;
  std::vector<schedule::Worker> workers;  // one for each thread
  std::vector<std::thread> threads;       // and one that watches deadlines
};

}  // namespace sapwood
