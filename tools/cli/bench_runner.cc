#include "bench_runner.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "options.h"
#include "output.h"

namespace sapwood::cli {
namespace {

Times now() {
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  timespec processor{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
  return {
      std::chrono::duration<double, std::milli>(wall).count(),
      1e3 * static_cast<double>(processor.tv_sec) + 1e-6 * static_cast<double>(processor.tv_nsec)};
}

Times operator-(const Times& a, const Times& b) {
  return {a.wall_ms - b.wall_ms, a.processor_ms - b.processor_ms};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::size_t tokens_of(const std::vector<int>& batch) {
  return std::accumulate(batch.begin(), batch.end(), std::size_t{0});
}

Runner::Runner(const Model& model, const Work& work, bool layer) : model_(model), work_(work) {
  std::size_t most = 0;
  for (const auto& batch : work.batches) most = std::max(most, tokens_of(batch));
  std::mt19937 random(7);
  if (layer) {
    layer_ = std::make_unique<FeedForward>(model);
    activations_.resize(kInputs * most * static_cast<std::size_t>(layer_->cols()));
    std::normal_distribution<float> any;
    std::generate(activations_.begin(), activations_.end(), [&] { return any(random); });
  } else {
    ids_.resize(kInputs * most);
    std::uniform_int_distribution<std::int32_t> any(0, model.config().vocab_size - 1);
    std::generate(ids_.begin(), ids_.end(), [&] { return any(random); });
  }
}

Times Runner::run_batch(const std::vector<int>& lengths) {
  return layer_ != nullptr ? run_layer(tokens_of(lengths)) : run_model(lengths);
}

Times Runner::run_model(const std::vector<int>& lengths) {
  if (next_ + tokens_of(lengths) > ids_.size()) next_ = 0;
  sequences_.clear();
  for (const int length : lengths) {
    const auto count = static_cast<std::size_t>(length);
    sequences_.push_back({{ids_.data() + next_, count}});
    next_ += count;
  }
  const Times start = now();
  model_.run(sequences_, Output::hidden,
             [&](std::size_t, const MatrixView& rows) { checksum_ += rows.row(rows.rows - 1)[0]; });
  return now() - start;
}

Times Runner::run_layer(std::size_t tokens) {
  const std::size_t size = tokens * static_cast<std::size_t>(layer_->cols());
  if (next_ + size > activations_.size()) next_ = 0;
  layer_->load({activations_.data() + next_, size});
  next_ += size;
  const Times start = now();
  const MatrixView rows = layer_->run();
  const Times spent = now() - start;
  checksum_ += rows.row(rows.rows - 1)[0];
  return spent;
}

Times Runner::run_all() {
  Times sum;
  for (const auto& batch : work_.batches) {
    const Times times = run_batch(batch);
    sum.wall_ms += times.wall_ms;
    sum.processor_ms += times.processor_ms;
  }
  return sum;
}

Times Runner::medians(double seconds, int runs) {
  const double begin = now().wall_ms;
  const auto elapsed = [&] { return (now().wall_ms - begin) / 1000; };
  std::size_t batch = 0;
  do {
    run_batch(work_.batches[batch++ % work_.batches.size()]);
  } while (elapsed() < seconds / 4);
  std::vector<double> wall, processor;
  while (static_cast<int>(wall.size()) < runs || elapsed() < seconds) {
    const Times times = run_all();
    wall.push_back(times.wall_ms);
    processor.push_back(times.processor_ms);
  }
  if (!std::isfinite(checksum_)) {
    say("warning: the model's results are not finite; the time may not be that of real work");
  }
  return {median(wall), median(processor)};
}

}  // namespace sapwood::cli
