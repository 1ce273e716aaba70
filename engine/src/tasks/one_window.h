// What the tasks share that read one window of each input, and of it nothing but the ids.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "sapwood/task_job.h"
#include "tasks/windows.h"

namespace sapwood::tasks {

template <class Input, class Value>
class OneWindowTask : public Task<Input, Value> {
 public:
  using JobResult = typename Task<Input, Value>::JobResult;

  JobResult job(const Input& input, EncodeScratch& scratch) const final {
    return as_result([&] { return make(encode(model_, input, encode_, scratch)); });
  }

  JobResult job(const Input&, std::vector<Encoding> windows) const final {
    return as_result(
        [&] { return make(given_windows(model_, std::move(windows), Reads::ids, 1)); });
  }

 protected:
  // Throws Error not_found where the model has no tokenizer.
  OneWindowTask(const Model& model, const LengthOptions& length)
      : model_(model), encode_(without_offsets(model, length)) {
    model.tokenizer();
  }

  const Model& model() const noexcept { return model_; }

 private:
  // The job of a window that the model can take. Throws Error.
  virtual std::unique_ptr<Job<Value>> make(std::vector<Encoding> windows) const = 0;

  Model model_;
  EncodeOptions encode_;
};

}  // namespace sapwood::tasks
