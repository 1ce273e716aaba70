#include "sapwood/task_job.h"

#include <string>

#include "base/border.h"
#include "model_state.h"
#include "tasks/requirements.h"
#include "tasks/vectors.h"

namespace sapwood {

TaskJob::TaskJob(const Model& model, Output output, std::vector<Encoding> encodings,
                 std::vector<std::vector<std::int32_t>> selected)
    : model_(model),
      output_(output),
      encodings_(std::move(encodings)),
      selected_(std::move(selected)),
      windows_(encodings_.size()),
      taken_(encodings_.size()),
      missing_(encodings_.size()) {
  const bool types = model.config().type_vocab > 0;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    windows_[i].ids = encodings_[i].ids;
    if (types) windows_[i].type_ids = encodings_[i].type_ids;
    if (!selected_.empty()) windows_[i].selected = selected_[i];
  }
}

TaskJob::~TaskJob() = default;

namespace {

// What a run gives for a window: rows and columns.
std::pair<std::size_t, int> shape_of(const Model& model, Output output, const Sequence& window) {
  const Graph& graph = state_of(model).graph;
  const GraphOutput* given = graph.output(output);
  if (given == nullptr) return {0, 0};
  const Value& value = graph.value(given->value);
  switch (value.rows) {
    case RowKind::tokens:
      return {window.ids.size(), value.cols};
    case RowKind::selected:
      return {window.selected.size(), value.cols};
    case RowKind::sequences:
      break;
  }
  return {1, value.cols};
}

std::string shape_text(std::size_t rows, int cols) {
  return "[" + std::to_string(rows) + ", " + std::to_string(cols) + "]";
}

}  // namespace

bool TaskJob::take(std::size_t window, const MatrixView& rows) try {
  if (window >= windows_.size()) {
    throw Error(ErrorCode::invalid_argument, "window " + std::to_string(window) +
                                                 ": the job has only " +
                                                 std::to_string(windows_.size()));
  }
  const auto [count, cols] = shape_of(model_, output_, windows_[window]);
  if (rows.rows < 0 || static_cast<std::size_t>(rows.rows) != count || rows.cols != cols) {
    throw Error(ErrorCode::invalid_argument,
                "window " + std::to_string(window) + ": expected rows " + shape_text(count, cols) +
                    ", found " + shape_text(static_cast<std::size_t>(rows.rows), rows.cols));
  }
  if (taken_[window].exchange(true)) {
    throw Error(ErrorCode::invalid_argument,
                "window " + std::to_string(window) + ": its rows were taken before");
  }
  try {
    if (output_ == Output::head && model_.config().head != HeadKind::masked_lm) {
      require_finite(
          {rows.data, static_cast<std::size_t>(rows.rows) * static_cast<std::size_t>(cols)});
    }
    read(window, rows);
  } catch (...) {
    taken_[window].store(false);  // it may be given again
    throw;
  }
  return missing_.fetch_sub(1, std::memory_order_acq_rel) == 1;
} catch (...) {
  throw_as_error();
}

void TaskJob::rethrow_as_error() { throw_as_error(); }

void TaskJob::require_finite(std::span<const float> values) noexcept {
  if (!tasks::all_finite(values)) finite_.store(false, std::memory_order_relaxed);
}

void TaskJob::require_complete() const {
  if (missing() == 0) {
    if (finite_.load(std::memory_order_relaxed)) return;
    tasks::throw_not_finite(model_);
  }
  throw Error(ErrorCode::invalid_argument,
              "the job has no answer yet: the rows of " + std::to_string(missing()) + " of its " +
                  std::to_string(windows_.size()) + " windows are missing");
}

}  // namespace sapwood
