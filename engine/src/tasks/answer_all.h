// Many inputs of one task at once.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "sapwood/task_job.h"
#include "tasks/windows.h"

namespace sapwood::tasks {

// Calls encode(i, scratch) for each i in [0, count), where there are many on the model's threads. Any call
// may come before any other; the first exception comes out.
void for_each_input(const Model& model, std::size_t count,
                    const std::function<void(std::size_t i, EncodeScratch& scratch)>& encode);

// Runs all windows of the jobs (null: none) and gives them their rows; calls done(i), on any thread, when job i
// has all of its own. All jobs read the same output.
void run_jobs(const Model& model, std::span<TaskJob* const> jobs,
              const std::function<void(std::size_t i)>& done);

// One Result for each of `count` inputs, in order. make(i, scratch) makes the job of one, or its Error.
template <class Value, class Make>
std::vector<Result<Value>> answer_all(const Model& model, std::size_t count, const Make& make) {
  std::vector<std::optional<Result<Value>>> answers(count);
  std::vector<std::unique_ptr<Job<Value>>> jobs(count);
  for_each_input(model, count, [&](std::size_t i, EncodeScratch& scratch) {
    Result<std::unique_ptr<Job<Value>>> job = make(i, scratch);
    if (job) {
      jobs[i] = std::move(job).value();
    } else {
      answers[i].emplace(job.error());
    }
  });
  std::vector<TaskJob*> to_run(count);
  for (std::size_t i = 0; i < count; ++i) to_run[i] = jobs[i].get();
  run_jobs(model, to_run, [&](std::size_t i) {
    answers[i].emplace(as_result([&] { return jobs[i]->finish(); }));
    jobs[i].reset();
  });
  std::vector<Result<Value>> results;
  results.reserve(count);
  for (std::optional<Result<Value>>& answer : answers) results.push_back(*std::move(answer));
  return results;
}

template <class Input, class Value>
std::vector<Result<Value>> answer_all(const Model& model, const Task<Input, Value>& task,
                                      std::span<const Input> inputs) {
  return answer_all<Value>(model, inputs.size(), [&](std::size_t i, EncodeScratch& scratch) {
    return task.job(inputs[i], scratch);
  });
}

}  // namespace sapwood::tasks
