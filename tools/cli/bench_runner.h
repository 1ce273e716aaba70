// What `sapwood bench` times, and how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "feed_forward.h"

namespace sapwood::cli {

// What one run computes: batches of texts, each given by its count of tokens.
struct Work {
  std::string name;
  std::vector<std::vector<int>> batches;
};

std::size_t tokens_of(const std::vector<int>& batch);

// The processor's time is that of all threads: on one thread it is what the clock on the wall would
// show if no other program ran.
struct Times {
  double wall_ms = 0, processor_ms = 0;
};

// Runs a model, or its first feedforward layer, over work. Inputs differ from call to call: with
// fast feedforward they choose the path through the weights, and one path walked again and again
// would be timed from cache.
class Runner {
 public:
  Runner(const Model& model, const Work& work, bool layer);

  // Medians of at least so many runs of all batches, after warming up.
  Times medians(double seconds, int runs);

 private:
  static constexpr std::size_t kInputs = 32;

  // Inputs are laid out before the clocks start.
  Times run_batch(const std::vector<int>& lengths);
  Times run_model(const std::vector<int>& lengths);
  Times run_layer(std::size_t tokens);
  Times run_all();

  const Model& model_;
  const Work& work_;
  std::unique_ptr<FeedForward> layer_;  // null: the whole model
  std::vector<std::int32_t> ids_;       // the model's inputs
  std::vector<float> activations_;      // the layer's
  std::size_t next_ = 0;
  std::vector<Sequence> sequences_;
  float checksum_ = 0;  // the results are read, so that nothing can be left out
};

}  // namespace sapwood::cli
