#include "sapwood/session.h"

#include <algorithm>
#include <string>

#include "base/border.h"
#include "model_state.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

int in_range(const char* name, int value, int most, int otherwise) {
  if (value < 0 || value > most) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected 0 to " +
                                                 std::to_string(most) + ", found " +
                                                 std::to_string(value));
  }
  return value == 0 ? otherwise : value;
}

Capacity capacity_of(const ModelAccess::State& state, const SessionOptions& options,
                     const Threads& team) {
  Capacity capacity = state.capacity;
  capacity.tokens =
      in_range("batch_tokens", options.batch_tokens, kMostBatchTokens, state.capacity.tokens);
  capacity.sequences = std::min(capacity.sequences, capacity.tokens);
  capacity.length = std::min(capacity.length, capacity.tokens);
  capacity.selected = std::min(capacity.selected, capacity.tokens);
  capacity.threads = in_range("threads", options.threads, team.size(),
                              options.team ? team.size() : state.capacity.threads);
  return capacity;
}

}  // namespace

struct Session::Impl {
  Impl(const Model& of, const SessionOptions& options)
      : model(of),
        team(options.team ? *options.team : state_of(of).team),
        run(state_of(of).graph, capacity_of(state_of(of), options, team)) {}

  Model model;
  Threads team;
  PackedRun run;
  std::optional<Output> computed;  // by the last run, for the sequences that are there
};

Session::Session(const Model& model, const SessionOptions& options) try
    : impl_(std::make_unique<Impl>(model, options)) {
} catch (...) {
  throw_as_error();
}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

bool Session::add(const Sequence& sequence) try {
  const Capacity& capacity = impl_->run.capacity();
  check_sequence(size(), sequence, impl_->model.config());
  const auto refuse = [&](const char* what, std::size_t has, int room) {
    if (has <= static_cast<std::size_t>(room)) return;
    throw Error(ErrorCode::invalid_argument, "the sequence has " + std::to_string(has) + " " +
                                                 what + ", the whole session only room for " +
                                                 std::to_string(room) +
                                                 ": make it with more batch_tokens");
  };
  refuse("tokens", sequence.ids.size(), capacity.tokens);
  refuse("selected rows", sequence.selected.size(), capacity.selected);
  impl_->computed.reset();
  return impl_->run.add(sequence);
} catch (...) {
  throw_as_error();
}

void Session::clear() {
  impl_->computed.reset();
  impl_->run.clear();
}

std::size_t Session::size() const noexcept { return impl_->run.size(); }
int Session::tokens() const noexcept { return impl_->run.tokens(); }
int Session::batch_tokens() const noexcept { return impl_->run.capacity().tokens; }
std::int64_t Session::memory_bytes() const noexcept {
  return impl_->run.bytes() + static_cast<std::int64_t>(sizeof(Impl));
}

RunStatus Session::run(Output output, const StopToken& stop, int threads) try {
  impl_->run.check(output);
  const int most = impl_->run.capacity().threads;
  impl_->computed.reset();
  const RunStatus status =
      impl_->run.run(output, impl_->team, in_range("threads", threads, most, most), stop);
  if (status == RunStatus::ok) impl_->computed = output;
  return status;
} catch (...) {
  throw_as_error();
}

MatrixView Session::hidden(std::size_t i) const try {
  if (!impl_->computed || i >= size()) {
    throw Error(ErrorCode::invalid_argument,
                "sequence " + std::to_string(i) + " has no results: run the session first");
  }
  return impl_->run.rows(Output::hidden, i);
} catch (...) {
  throw_as_error();
}

MatrixView Session::head(std::size_t i) const try {
  if (impl_->computed != Output::head || i >= size()) {
    throw Error(ErrorCode::invalid_argument, "sequence " + std::to_string(i) +
                                                 " has no results of the head: run the session "
                                                 "with Output::head first");
  }
  return impl_->run.rows(Output::head, i);
} catch (...) {
  throw_as_error();
}

MatrixView Session::rows(Output output, std::size_t i) const {
  return output == Output::hidden ? hidden(i) : head(i);
}

}  // namespace sapwood
