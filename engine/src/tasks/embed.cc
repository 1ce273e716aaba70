#include <algorithm>
#include <cmath>
#include <utility>

#include "base/border.h"
#include "model_state.h"
#include "sapwood/tasks.h"
#include "tasks/encoded_inputs.h"
#include "tasks/vectors.h"

namespace sapwood {

namespace {

kernels::Pooling kernel_pooling(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::cls:
      return kernels::Pooling::cls;
    case PoolingMode::max:
      return kernels::Pooling::max;
    case PoolingMode::mean:
    case PoolingMode::none:
      break;
  }
  return kernels::Pooling::mean;
}

}  // namespace

std::vector<Result<Embedding>> embed(const Model& model, std::span<const TextInput> inputs,
                                     const EmbedOptions& options) try {
  const SentenceConfig sentence = model.config().sentence.value_or(SentenceConfig{});
  const PoolingMode pooling = options.pooling.value_or(sentence.pooling);
  const bool normalize = options.normalize.value_or(sentence.normalize);

  tasks::EncodedInputs batch = tasks::encode_inputs(model, inputs, options.length);
  std::vector<Embedding> values(inputs.size());
  tasks::run(model, batch, Output::hidden, [&](std::size_t window, const MatrixView& rows) {
    const std::size_t input = batch.input_of[window];
    Embedding& value = values[input];
    value.dim = rows.cols;
    value.truncated = batch.truncated[input] != 0;
    if (pooling == PoolingMode::none) {
      value.rows = rows.rows;
      value.values.assign(rows.data, rows.data + static_cast<std::size_t>(rows.rows) *
                                                     static_cast<std::size_t>(rows.cols));
      value.ids = std::move(batch.windows[window].ids);
      return;
    }
    value.rows = 1;
    value.values.resize(static_cast<std::size_t>(rows.cols));
    state_of(model).graph.kernels().pool(
        {rows.data, value.values.data(), rows.rows, rows.cols, kernel_pooling(pooling)});
    if (normalize) tasks::normalize(value.values);
  });
  return tasks::in_order(batch, std::move(values));
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
