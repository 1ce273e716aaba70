// A loaded model as Python holds it.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sapwood/model.h"

namespace sapwood::python {

// Copies of the model that calls under way hold outlive close().
class ModelHandle {
 public:
  explicit ModelHandle(Model model);

  // Throws what Call does.
  Model open() const;
  bool closed() const noexcept { return !model_.has_value(); }
  void close() noexcept { model_.reset(); }

 private:
  std::optional<Model> model_;
  std::uint64_t loaded_after_;  // forks
};

// The interpreter's lock given back as long as it lives; forks meanwhile are noticed.
class Released {
 public:
  Released();
  ~Released();
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  PyThreadState* state_;
};

// One call of the library: the model, without the interpreter's lock. Throws Error invalid_argument for a
// model that was closed, and in the child of a fork() for one that was loaded before it while another thread of the parent was
// inside a call: what that thread held is held for ever.
class Call {
 public:
  explicit Call(const ModelHandle& handle) : model_(handle.open()) {}

  const Model& model() const noexcept { return model_; }

 private:
  Model model_;
  Released released_;
};

void bind_model(nanobind::module_& module);

}  // namespace sapwood::python
