// Many callers' requests on the processors of one machine: for services.
//
//   sapwood::Scheduler scheduler;
//   scheduler.add(model);                                          // warmed up, its cost measured
//   std::shared_ptr job = task->job(text, scratch).value();        // of task_job.h
//   std::future<sapwood::Classification> answer = scheduler.answer(job, now + 100ms);
//
// Every worker takes the next text as soon as it is free, with more texts of the same model as long as the run stays
// small, and never waits for company; where nobody is waiting, free workers join the run. Texts of several requests take
// turns. A request whose turn would come too late is refused at the door, at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sapwood/error.h"
#include "sapwood/export.h"
#include "sapwood/model.h"
#include "sapwood/task_job.h"
#include "sapwood/threads.h"

namespace sapwood {

struct SchedulerOptions {
  // One worker for each of its threads. Unset: a team of all threads that this process may use. Models that are loaded with
  // the same team (LoadOptions::team) share it.
  std::optional<Threads> team;
  // Tokens of a run that holds several texts.
  int batch_tokens = 64;
  // Requests whose estimated wait is longer are refused.
  std::chrono::nanoseconds max_wait = std::chrono::seconds(1);
};

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

// Whether a request is let in.
struct Admission {
  enum class Refusal : std::uint8_t {
    none,
    overloaded,  // it would wait too long, or past its deadline
    deadline,    // which has passed
    stopped,     // the scheduler takes no requests any more
  };
  bool accepted = false;
  std::chrono::nanoseconds wait{};  // estimated; of a refused request: when to come again
  Refusal refusal = Refusal::none;
};

// How a request ended.
struct Completion {
  enum class Status : std::uint8_t {
    done,       // all jobs have all their rows: TaskJob's finish() may be called
    cancelled,  // by its ticket, or because the scheduler was stopped
    deadline,   // it could not be met
    failed,     // see error
  };
  Status status = Status::done;
  std::exception_ptr error;
  std::chrono::nanoseconds queued{};    // from submit() to its first run
  std::chrono::nanoseconds computed{};  // from there to its end
  // Of all threads that computed it. A run that several requests share counts for each by its tokens; a thread counts for the
  // whole of a run that it joined.
  std::chrono::nanoseconds processor{};
};

struct Request {
  // Answered together, each made for the same model. A job is run once, in one request. The texts that it views must live until
  // `done` is called.
  std::vector<std::shared_ptr<TaskJob>> jobs;
  // A text that could not be answered before it is not begun, and its request ends then; a run that it shares with others
  // goes on.
  Deadline deadline;
  // Called once for an accepted request: on a thread of the scheduler's, or inside submit(), cancel(), remove() or stop(). It must
  // not throw, and the thread waits for it. It may submit and cancel, but not drain, stop or destroy the scheduler.
  std::function<void(const Completion&)> done;
};

struct SchedulerStatistics {
  std::size_t requests = 0;   // queued or under way
  std::size_t texts = 0;      // queued
  int busy = 0, workers = 0;  // workers at a run, and all of them
  std::chrono::nanoseconds wait{};
  std::uint64_t accepted = 0, refused = 0;
  std::uint64_t done = 0, cancelled = 0, late = 0, failed = 0;
  std::uint64_t runs = 0, tokens = 0;  // computed to their end
};

// After a fork() a scheduler works in the parent alone; in the child it must not be used, destroyed or stopped.
class SAPWOOD_API Scheduler {
 public:
  // Throws Error invalid_argument for options out of range, out_of_memory where no thread can be had.
  explicit Scheduler(const SchedulerOptions& options = {});
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();  // as stop()

  // Makes a model known: runs it a few times to warm it up and to measure what a text costs. Others become known by their
  // first request, and are guessed at until they have run.
  void add(const Model& model);
  // Forgets a model and frees its memory; its requests are cancelled.
  void remove(const Model& model);

  // Whether a request of so many texts and tokens would be accepted now: for who knows only its size yet.
  Admission admit(const Model& model, std::size_t texts, std::int64_t tokens,
                  const Deadline& deadline = {}) const;

  // Takes a request back.
  class SAPWOOD_API Ticket {
   public:
    Ticket() = default;
    // Request::done is called with `cancelled`, unless it has been called; when this returns, it has ended (but inside that very
    // call). Queued texts are not computed; a run that nobody else waits for is stopped.
    void cancel();
    std::uint64_t id() const noexcept {
      return id_;
    }  // for cancel() below; never used twice; 0: of nothing

   private:
    friend class Scheduler;
    SAPWOOD_LOCAL Ticket(Scheduler* scheduler, std::uint64_t id) : scheduler_(scheduler), id_(id) {}
    Scheduler* scheduler_ = nullptr;  // which outlives the ticket's use
    std::uint64_t id_ = 0;
  };
  struct Submitted {
    Admission admission;
    Ticket ticket;
  };
  // Queues a request, or refuses it: then done is never called. Throws Error invalid_argument where its jobs are of several
  // models, where it has none, and for a job that has been run or is queued. `ticket`: the number of the ticket is written
  // there before done may be called.
  Submitted submit(Request request, std::uint64_t* ticket = nullptr);

  // The same for one job whose answer is waited for; its texts must live until the answer is there. The future throws Error:
  // overloaded (refused), deadline_exceeded, cancelled; or what the job throws.
  template <class Value>
  std::future<Value> answer(std::shared_ptr<Job<Value>> job, const Deadline& deadline = {}) {
    auto promise = std::make_shared<std::promise<Value>>();
    std::future<Value> future = promise->get_future();
    Request request{{job}, deadline, [promise, job](const Completion& end) {
                      try {
                        throw_unless_done(end);
                        promise->set_value(job->finish());
                      } catch (...) {
                        promise->set_exception(std::current_exception());
                      }
                    }};
    const Submitted submitted = submit(std::move(request));
    if (!submitted.admission.accepted) {
      promise->set_exception(std::make_exception_ptr(refusal(submitted.admission)));
    }
    return future;
  }

  void cancel(std::uint64_t ticket);  // as Ticket::cancel

  SchedulerStatistics statistics() const;

  // Returns when nothing is queued or under way, and every done has returned. Throws Error invalid_argument inside a done.
  void drain();
  // Refuses what comes, cancels what is queued, and returns when what is under way has ended. Throws as drain().
  void stop();

  // Throws Error cancelled or deadline_exceeded, or what failed.
  static void throw_unless_done(const Completion& completion);
  // The Error of a refused request: overloaded, saying when to come again; deadline_exceeded; cancelled.
  static Error refusal(const Admission& admission);

 private:
  struct SAPWOOD_LOCAL Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sapwood
