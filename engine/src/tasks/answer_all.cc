#include "tasks/answer_all.h"

#include <algorithm>
#include <limits>

#include "model_state.h"
#include "run/parallel_for.h"

namespace sapwood::tasks {
namespace {

// Fewer inputs are encoded before a helper is awake.
constexpr std::size_t kManyInputs = 16;
// Of a run that one thread computes alone, at least; at most it has cache_tokens.
constexpr int kLeastTokens = 64;
// Runs a thread has at least, so that an uneven end costs little.
constexpr std::size_t kRunsEach = 4;

struct Unit {
  std::size_t job;
  std::size_t window;
};

// Some units that one thread computes in one run.
struct Share {
  std::size_t begin, end;  // among the units
  int tokens;
};

class Runner {
 public:
  Runner(const ModelAccess::State& state, std::span<TaskJob* const> jobs,
         const std::function<void(std::size_t)>& done)
      : state_(state), jobs_(jobs), done_(done) {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      if (jobs[i] == nullptr) continue;
      output_ = jobs[i]->output();
      if (jobs[i]->windows().empty()) {
        done(i);  // after which the job may be gone
        continue;
      }
      for (std::size_t w = 0; w < jobs[i]->windows().size(); ++w) {
        units_.push_back({i, w});
        tokens_ += tokens(units_.back());
      }
    }
  }

  void run() {
    if (units_.empty()) return;
    const auto threads = static_cast<std::size_t>(state_.capacity.threads);
    std::vector<Share> shares = cut(threads);
    if (shares.size() >= 2 * threads) {
      run_each_alone(std::move(shares));
    } else {
      run_together();
    }
  }

 private:
  const Sequence& sequence(const Unit& unit) const {
    return jobs_[unit.job]->windows()[unit.window];
  }
  int tokens(const Unit& unit) const { return static_cast<int>(sequence(unit).ids.size()); }

  void take(const PackedRun& run, std::size_t first, std::size_t end) const {
    for (std::size_t u = first; u < end; ++u) {
      const Unit& unit = units_[u];
      if (jobs_[unit.job]->take(unit.window, run.rows(output_, u - first))) done_(unit.job);
    }
  }

  // Computes the units of [begin, end) in runs of at most `most` tokens, or one unit.
  template <class Compute>
  void in_runs(PackedRun& run, std::size_t begin, std::size_t end, int most,
               const Compute& compute) const {
    while (begin < end) {
      run.clear();
      std::size_t next = begin;
      while (next < end && run.add(sequence(units_[next]), most)) ++next;
      compute();
      take(run, begin, next);
      begin = next;
    }
  }

  // All threads work on one run after the other.
  void run_together() const {
    const RunPool::Loan run(state_.runs);
    in_runs(*run, 0, units_.size(), state_.runs.cache_tokens(),
            [&] { run->run(output_, state_.team, state_.capacity.threads); });
  }

  std::vector<Share> cut(std::size_t threads) const {
    const int most = std::min(state_.lone_runs.cache_tokens(), state_.lone_runs.capacity().tokens);
    const auto even = static_cast<int>(tokens_ / static_cast<std::int64_t>(threads * kRunsEach));
    const int target = std::clamp(even, std::min(kLeastTokens, most), most);
    std::vector<Share> shares;
    for (std::size_t u = 0; u < units_.size(); ++u) {
      if (shares.empty() || shares.back().tokens + tokens(units_[u]) > target) {
        shares.push_back({u, u, 0});
      }
      shares.back().end = u + 1;
      shares.back().tokens += tokens(units_[u]);
    }
    return shares;
  }

  // Every thread computes a run of its own: nobody waits for the others between the nodes.
  void run_each_alone(std::vector<Share> shares) const {
    // The largest first, so that all threads end at nearly the same time.
    std::stable_sort(shares.begin(), shares.end(),
                     [](const Share& a, const Share& b) { return a.tokens > b.tokens; });
    std::vector<std::optional<RunPool::Loan>> runs(
        static_cast<std::size_t>(state_.capacity.threads));
    parallel_for(state_.team, state_.capacity.threads, static_cast<int>(shares.size()),
                 [&](int task, int thread) {
                   auto& run = runs[static_cast<std::size_t>(thread)];
                   if (!run) run.emplace(state_.lone_runs);
                   const Share& share = shares[static_cast<std::size_t>(task)];
                   in_runs(**run, share.begin, share.end, share.tokens,
                           [&] { (*run)->run_alone(output_); });
                 });
  }

  const ModelAccess::State& state_;
  const std::span<TaskJob* const> jobs_;
  const std::function<void(std::size_t)>& done_;  // after it, its job may be gone
  Output output_ = Output::hidden;                // that all jobs read
  std::vector<Unit> units_;
  std::int64_t tokens_ = 0;
};

}  // namespace

void for_each_input(const Model& model, std::size_t count,
                    const std::function<void(std::size_t, EncodeScratch&)>& encode) {
  if (count > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::invalid_argument, "one call takes at most 2147483647 inputs");
  }
  const ModelAccess::State& state = state_of(model);
  const int threads = count < kManyInputs ? 1 : state.capacity.threads;
  if (threads == 1) {
    EncodeScratch scratch;
    for (std::size_t i = 0; i < count; ++i) encode(i, scratch);
    return;
  }
  std::vector<EncodeScratch> scratch(static_cast<std::size_t>(threads));
  parallel_for(state.team, threads, static_cast<int>(count), [&](int i, int thread) {
    encode(static_cast<std::size_t>(i), scratch[static_cast<std::size_t>(thread)]);
  });
}

void run_jobs(const Model& model, std::span<TaskJob* const> jobs,
              const std::function<void(std::size_t)>& done) {
  Runner(state_of(model), jobs, done).run();
}

}  // namespace sapwood::tasks
