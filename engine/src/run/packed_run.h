// The memory of one caller and the batch in it: what Session and Model::run are made of.
#pragma once

#include <limits>
#include <vector>

#include "run/workspace.h"
#include "sapwood/config.h"
#include "sapwood/sequence.h"
#include "sapwood/stop_token.h"
#include "sapwood/threads.h"

namespace sapwood {

// The most tokens that a run may be asked to hold.
inline constexpr int kMostBatchTokens = 1 << 20;

// Throws Error invalid_argument, naming the sequence by its index, unless the model can take it.
void check_sequence(std::size_t index, const Sequence& sequence, const ModelConfig& config);

// How many tokens a run takes unless one sequence alone is longer: few enough that the activations stay in a core's own cache (against runs
// of 4,096 tokens that saves up to a fifth of the time), and enough that the weights are read once for many rows. Of the
// nodes of a tree each row reads others, so that in f32 they want more rows; and several threads divide the work at each
// node, so that a part must be worth its division.
int cache_tokens(const Graph& graph, int threads);

class PackedRun {
 public:
  PackedRun(const Graph& graph, const Capacity& capacity);

  // Adds a sequence that was checked; false where it does not fit any more, or where the run would hold several
  // sequences of more than `most_tokens` together.
  bool add(const Sequence& sequence, int most_tokens = std::numeric_limits<int>::max());
  void clear();
  std::size_t size() const { return static_cast<std::size_t>(workspace_.batch.sequences()); }
  int tokens() const { return workspace_.batch.tokens(); }

  // Throws Error unsupported unless the graph gives this output.
  void check(Output output) const;
  RunStatus run(Output output, const Threads& team, int threads, const StopToken& stop = {});
  // On the calling thread alone, which may be one of a team's.
  void run_alone(Output output);

  // Rows of the i-th sequence, of an output that has been computed.
  MatrixView rows(Output output, std::size_t i) const;

  const Capacity& capacity() const { return workspace_.capacity(); }
  std::int64_t bytes() const;

 private:
  const Graph& graph_;
  Workspace workspace_;
  std::vector<std::int32_t> selected_starts_;  // of each sequence in batch.selected, and the end
};

}  // namespace sapwood
