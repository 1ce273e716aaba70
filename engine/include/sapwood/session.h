// One caller's memory and packed batch: what a service keeps for each of its workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "sapwood/export.h"
#include "sapwood/model.h"
#include "sapwood/sequence.h"
#include "sapwood/stop_token.h"
#include "sapwood/threads.h"

namespace sapwood {

struct SessionOptions {
  int batch_tokens = 0;  // the most tokens of one run; 0: the model's LoadOptions::batch_tokens
  int threads = 0;       // the most that one run may use; 0: the model's, or all of `team`
  std::optional<Threads> team;  // unset: the model's
};

// Sequences are added until it is full, run together without padding, and read; then cleared and
// filled again. A sequence's results are bit-identical whatever else was in the run. All memory is
// taken when the session is made and given back with it; it keeps the model alive. To be used by one
// thread at a time; any number of sessions of a model may run at once.
class SAPWOOD_API Session {
 public:
  // Throws Error invalid_argument for options out of range, out_of_memory.
  explicit Session(const Model& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  // False: it is full for now; run, read and clear it first. Throws Error invalid_argument for a
  // sequence that is wrong (Model::run) or larger than the whole session, saying both sizes.
  bool add(const Sequence& sequence);
  void clear();

  std::size_t size() const noexcept;  // sequences added
  int tokens() const noexcept;        // of all of them
  int batch_tokens() const noexcept;  // the most there can be

  // Computes what was added: the encoder alone (Output::hidden), or the encoder and the head. `threads`:
  // at most this many, 0: as many as the session may use. Other than `ok` where `stop` ended it early;
  // the sequences are still there and may be run again. Throws Error unsupported where the model has
  // no head.
  RunStatus run(Output output, const StopToken& stop = {}, int threads = 0);

  // Results of the i-th sequence after a run that was not stopped, valid until the next clear, add or
  // run: hidden states [tokens, hidden], and after a run of the head its rows (Output::head). Throws
  // Error invalid_argument where there are none.
  MatrixView hidden(std::size_t i) const;
  MatrixView head(std::size_t i) const;
  MatrixView rows(Output output, std::size_t i) const;  // the one or the other

  // Bytes that it holds: requested from the system when it was made. Pages of the arena that no run
  // has reached are not backed by memory. (What oneDNN's products take is not counted.)
  std::int64_t memory_bytes() const noexcept;

 private:
  struct SAPWOOD_LOCAL Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sapwood
