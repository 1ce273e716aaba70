// What the C API's handles are, and how its functions end.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/capi.h"
#include "sapwood/error.h"
#include "sapwood/model.h"
#include "sapwood/scheduler.h"
#include "sapwood/task_job.h"
#include "sapwood/threads.h"

struct sapwood_threads {
  sapwood::Threads threads;
};

struct sapwood_model {
  sapwood::Model model;
};

namespace sapwood::capi {

// The answer of a job, as items or as a vector.
struct Answer {
  struct Item {
    float score = 0;
    int label = -1, token = -1, mask = -1;
    std::size_t start = 0, end = 0;
    std::string name, text;
  };
  std::vector<Item> items;
  std::vector<float> vector;
  bool truncated = false;
};

// A job of any task: what the C API asks of it.
class AnyJob {
 public:
  virtual ~AnyJob() = default;
  virtual TaskJob& job() const = 0;
  virtual Answer finish() = 0;
};

}  // namespace sapwood::capi

namespace sapwood::capi {

// What a job consists of: shared with the runs that it is in, because they read the texts.
struct JobState {
  std::string first, second;
  std::unique_ptr<AnyJob> task;
  std::optional<Answer> answer;
};

}  // namespace sapwood::capi

struct sapwood_job {
  std::shared_ptr<sapwood::capi::JobState> state;
};

struct sapwood_scheduler {
  sapwood::Scheduler scheduler;
};

namespace sapwood::capi {

sapwood_status status_of(ErrorCode code) noexcept;
// Writes a message, cut at the end of a character, and returns the status.
sapwood_status tell(sapwood_error* error, sapwood_status status, std::string_view message) noexcept;
// The exception that is being handled.
sapwood_status tell_exception(sapwood_error* error) noexcept;

// Runs the body of a function of the API.
template <class Body>
sapwood_status guarded(sapwood_error* error, const Body& body) noexcept {
  try {
    body();
  } catch (...) {
    return tell_exception(error);
  }
  return tell(error, SAPWOOD_OK, "");
}

// Throws Error invalid_argument where `pointer` is null.
void require(const void* pointer, const char* name);
// Throws Error invalid_argument where a text of some length is at no address.
std::string_view view(const sapwood_text& text, const char* name);
// `count` texts at `texts`, or throws.
void require_texts(const sapwood_text* texts, std::size_t count, const char* name);

// The caller's struct, or the defaults where it is null. Throws Error invalid_argument for a size that no version of the
// struct had. (A version that adds members takes the sizes of those before, and leaves the new members their defaults.)
template <class Options>
Options read_options(const Options* options, void (*init)(Options*, std::size_t)) {
  Options read;
  init(&read, sizeof read);
  if (options == nullptr) return read;
  if (options->size != sizeof(Options)) {
    throw Error(ErrorCode::invalid_argument,
                "options: its size is " + std::to_string(options->size) + ", expected " +
                    std::to_string(sizeof(Options)) + ": fill the struct with its _init function");
  }
  return *options;
}

LengthOptions length_options(const sapwood_task_options& options);
ClassifyOptions classify_options(const sapwood_task_options& options);
EmbedOptions embed_options(const sapwood_task_options& options);
SparseOptions sparse_options(const sapwood_task_options& options);
RerankOptions rerank_options(const sapwood_task_options& options);

}  // namespace sapwood::capi
