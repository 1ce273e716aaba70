// What `sapwood capacity` measures: the load of a service without its network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sapwood/model.h"
#include "sapwood/scheduler.h"
#include "sapwood/task_job.h"

namespace sapwood::cli {

// One text on its way to its answer: tokenised, and what makes the answer once its rows are there.
struct LoadJob {
  std::shared_ptr<TaskJob> job;
  std::function<void()> finish;
};

// Jobs of the model's own task (classes, entities, masks, answers, else embeddings) on texts of exactly `tokens` tokens, special
// tokens included. The texts are random words, so that trees are walked on many paths. Any thread may call it.
using MakeJob = std::function<LoadJob(std::size_t i)>;

// Throws Error invalid_argument where no text of the task has so few tokens, or so many; unsupported where the tokenizer has too
// few words of one token to make texts of.
MakeJob job_maker(const Model& model, int tokens);

struct LoadResult {
  std::size_t texts = 0;   // answered while the clocks ran
  double processor_s = 0;  // of all threads meanwhile
};

// Keeps every worker of the scheduler busy with jobs for so long, at least, after a quarter of that for warming up. Throws what a
// job throws.
LoadResult run_load(Scheduler& scheduler, const MakeJob& make, int tokens, double seconds);

// Most memory that was resident since the last call of reset_peak(), or, where the system does not let it be reset, since the
// program began.
void reset_peak();
std::int64_t peak_bytes();

}  // namespace sapwood::cli
