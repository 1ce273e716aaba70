// The scheduler for C.
#include <cmath>
#include <future>

#include "capi/handles.h"

using namespace sapwood;

namespace {

std::chrono::nanoseconds from_ms(double ms, const char* name) {
  if (!(ms >= 0 && ms <= 1e12)) {
    throw Error(ErrorCode::invalid_argument,
                std::string(name) + ": expected 0 to 1e12 ms, found " + std::to_string(ms));
  }
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double, std::milli>(ms));
}

// The job's answer, or why it has none.
sapwood_status take_answer(capi::JobState& job, const Completion& completion,
                           sapwood_error* error) {
  return capi::guarded(error, [&] {
    Scheduler::throw_unless_done(completion);
    job.answer = job.task->finish();
  });
}

// Throws the refusal.
void submit(Scheduler& scheduler, const std::shared_ptr<capi::JobState>& state, double timeout_ms,
            std::uint64_t* ticket, std::function<void(const Completion&)> done) {
  // A run holds the texts, too.
  Request request{{std::shared_ptr<TaskJob>(state, &state->task->job())}, {}, std::move(done)};
  const auto timeout = from_ms(timeout_ms, "timeout_ms");
  if (timeout_ms > 0) request.deadline = std::chrono::steady_clock::now() + timeout;
  const auto submitted = scheduler.submit(std::move(request), ticket);
  if (!submitted.admission.accepted) throw Error(Scheduler::refusal(submitted.admission));
}

}  // namespace

sapwood_status sapwood_scheduler_new(const sapwood_scheduler_options* options,
                                     sapwood_scheduler** scheduler, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(scheduler, "scheduler");
    const auto read = capi::read_options(options, sapwood_scheduler_options_init);
    SchedulerOptions made;
    if (read.team != nullptr) made.team = read.team->threads;
    made.batch_tokens = read.batch_tokens;
    made.max_wait = from_ms(read.max_wait_ms, "max_wait_ms");
    *scheduler = new sapwood_scheduler{Scheduler(made)};
  });
}

void sapwood_scheduler_free(sapwood_scheduler* scheduler) { delete scheduler; }

sapwood_status sapwood_scheduler_add(sapwood_scheduler* scheduler, const sapwood_model* model,
                                     sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(scheduler, "scheduler");
    capi::require(model, "model");
    scheduler->scheduler.add(model->model);
  });
}

sapwood_status sapwood_scheduler_remove(sapwood_scheduler* scheduler, const sapwood_model* model,
                                        sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(scheduler, "scheduler");
    capi::require(model, "model");
    scheduler->scheduler.remove(model->model);
  });
}

// Seven parameters: C has no function objects, so that one comes as a function and its data.
sapwood_status sapwood_scheduler_submit(sapwood_scheduler* scheduler, sapwood_job* job,
                                        double timeout_ms, sapwood_done done, void* user,
                                        sapwood_ticket* ticket, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(scheduler, "scheduler");
    capi::require(reinterpret_cast<const void*>(done), "done");
    capi::require(job, "job");
    submit(scheduler->scheduler, job->state, timeout_ms, ticket,
           [=, state = job->state](const Completion& completion) {
             done(user, job, take_answer(*state, completion, nullptr));
           });
  });
}

sapwood_status sapwood_scheduler_run(sapwood_scheduler* scheduler, sapwood_job* job,
                                     double timeout_ms, sapwood_error* error) {
  std::promise<void> ended;
  sapwood_error result{};  // of the callback's thread
  const sapwood_status submitted = capi::guarded(error, [&] {
    capi::require(scheduler, "scheduler");
    capi::require(job, "job");
    submit(scheduler->scheduler, job->state, timeout_ms, nullptr,
           [&, state = job->state](const Completion& completion) {
             take_answer(*state, completion, &result);
             ended.set_value();
           });
  });
  if (submitted != SAPWOOD_OK) return submitted;
  ended.get_future().wait();
  if (error != nullptr) *error = result;
  return result.status;
}

void sapwood_scheduler_cancel(sapwood_scheduler* scheduler, sapwood_ticket ticket) {
  if (scheduler != nullptr) scheduler->scheduler.cancel(ticket);
}
