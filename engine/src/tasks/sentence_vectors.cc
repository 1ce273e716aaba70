#include "tasks/sentence_vectors.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/quote.h"
#include "graph/kernel_names.h"
#include "model_state.h"
#include "tasks/vectors.h"
#include "weights/weight_table.h"

namespace sapwood::tasks {
namespace {

// A tokenizer lower-cases where it makes no difference between the cases.
void require_lower_case(const Model& model) {
  constexpr std::string_view kUpper = "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z";
  std::string lower(kUpper);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (model.encode(kUpper).ids == model.encode(lower).ids) return;
  throw Error(ErrorCode::unsupported,
              model.path().string() +
                  ": sentence-transformers' files say do_lower_case, and the tokenizer does not "
                  "lower-case: lower-case the texts and give a pooling");
}

// A pooling over rows in order, which no kernel has: sum of weight(row) * x, then divided.
void weighted_mean(const MatrixView& rows, int first_weight, std::span<float> to) {
  const auto cols = static_cast<std::size_t>(rows.cols);
  std::fill(to.begin(), to.end(), 0.0f);
  float weights = 0;
  for (int i = 0; i < rows.rows; ++i) {
    const auto weight = static_cast<float>(first_weight + i);
    const float* row = rows.data + static_cast<std::size_t>(i) * cols;
    for (std::size_t j = 0; j < cols; ++j) to[j] += weight * row[j];
    weights += weight;
  }
  for (float& value : to) value /= weights;
}

}  // namespace

SentenceVectors::SentenceVectors(const Model& model, const EmbedOptions& options)
    : kernels_(&state_of(model).graph.kernels()), hidden_(model.config().hidden) {
  const SentenceConfig sentence = model.config().sentence.value_or(SentenceConfig{});
  if (!sentence.unsupported.empty() && !options.pooling) {
    // With modules for each token, none gives what those make.
    throw Error(ErrorCode::unsupported,
                sentence.unsupported + "; " +
                    (sentence.token_modules.empty() ? "a pooling that is given (or none)"
                                                    : "another pooling that is given") +
                    " takes the encoder alone");
  }
  if (sentence.lower_case) require_lower_case(model);
  poolings_ = sentence.poolings;
  if (options.pooling) poolings_ = {*options.pooling};
  if (std::find(poolings_.begin(), poolings_.end(), PoolingMode::none) != poolings_.end()) {
    if (options.dimensions) {
      throw Error(ErrorCode::invalid_argument, "dimensions: tokens' vectors are not cut");
    }
    poolings_.clear();
    width_ = widest_ = hidden_;
    for (std::size_t i = 0; i < sentence.token_modules.size(); ++i) {
      add_step(model, sentence.token_modules[i], token_module_name(i));
    }
    return;
  }
  width_ = widest_ = static_cast<int>(poolings_.size()) * hidden_;
  for (std::size_t i = 0; i < sentence.modules.size(); ++i) {
    add_step(model, sentence.modules[i], sentence_name(i));
  }
  normalize_ = sentence.normalize && !options.normalize.has_value();
  normalize_cut_ = options.normalize.value_or(false);
  const int all = width_;
  if (options.dimensions && (*options.dimensions < 1 || *options.dimensions > all)) {
    throw Error(ErrorCode::invalid_argument, "dimensions: expected 1 to the model's " +
                                                 std::to_string(all) + ", found " +
                                                 std::to_string(*options.dimensions));
  }
  width_ = std::min(all, options.dimensions.value_or(sentence.truncate_dim.value_or(all)));
  if (!steps_.empty() || width_ != all) scratch_ = 2 * static_cast<std::size_t>(widest_);
}

void SentenceVectors::add_step(const Model& model, const VectorModule& module,
                               const std::string& name) {
  Step step{.module = module};
  if (step.module.kind == VectorModuleKind::dense) {
    if (step.module.in != width_) {
      throw Error(ErrorCode::invalid_argument,
                  "pooling: the model's module " + quote(step.module.path) + " wants vectors of " +
                      std::to_string(step.module.in) + " numbers, and this pooling makes " +
                      std::to_string(width_) + ": leave the pooling to the model");
    }
    const PackedWeights& weights = state_of(model).parts.weights;
    step.weight = weights.find(name + ".weight")->data;
    if (const PackedTensor* bias = weights.find(name + ".bias")) {
      step.bias = reinterpret_cast<const float*>(bias->data);
    }
    if (const PackedTensor* residual = weights.find(name + ".residual.weight")) {
      step.residual = residual->data;
    }
    width_ = step.module.out;
    widest_ = std::max(widest_, width_);
  }
  steps_.push_back(std::move(step));
}

void SentenceVectors::make_tokens(const MatrixView& rows, std::span<float> to) const {
  const auto tokens = static_cast<std::size_t>(rows.rows);
  std::vector<float> x(rows.data, rows.data + tokens * static_cast<std::size_t>(rows.cols));
  auto width = static_cast<std::size_t>(rows.cols);
  for (const Step& step : steps_) {
    if (step.module.kind == VectorModuleKind::normalize) {
      for (std::size_t i = 0; i < tokens; ++i) normalize(std::span(x).subspan(i * width, width));
      continue;
    }
    width = static_cast<std::size_t>(step.module.out);
    std::vector<float> y(tokens * width);
    apply(step, rows.rows, x, y);
    x = std::move(y);
  }
  std::copy(x.begin(), x.end(), to.begin());
}

void SentenceVectors::make(const MatrixView& rows, int skip, std::span<float> scratch,
                           std::span<float> to) const {
  // Of a text that is all prompt the last token is pooled, which is a special one.
  skip = std::clamp(skip, 0, rows.rows - 1);
  const MatrixView pooled{rows.data + std::int64_t{skip} * rows.cols, rows.rows - skip, rows.cols};
  if (scratch_ == 0) {
    pool_into(pooled, skip, to);
    if (normalize_ || normalize_cut_) normalize(to);
    return;
  }
  const auto half = static_cast<std::size_t>(widest_);
  std::span<float> x = scratch.first(half), y = scratch.subspan(half, half);
  std::size_t width = poolings_.size() * static_cast<std::size_t>(hidden_);
  pool_into(pooled, skip, x.first(width));
  for (const Step& step : steps_) {
    if (step.module.kind == VectorModuleKind::normalize) {
      normalize(x.first(width));
      continue;
    }
    apply(step, 1, x, y);
    std::swap(x, y);
    width = static_cast<std::size_t>(step.module.out);
  }
  if (normalize_) normalize(x.first(width));
  std::copy_n(x.begin(), to.size(), to.begin());
  if (normalize_cut_) normalize(to);
}

void SentenceVectors::pool_into(const MatrixView& rows, int skip, std::span<float> to) const {
  const auto cols = static_cast<std::size_t>(rows.cols);
  for (std::size_t i = 0; i < poolings_.size(); ++i) {
    const std::span<float> part = to.subspan(i * cols, cols);
    switch (poolings_[i]) {
      case PoolingMode::weighted_mean:
        weighted_mean(rows, skip + 1, part);
        break;
      case PoolingMode::last_token:
        std::copy_n(rows.data + static_cast<std::size_t>(rows.rows - 1) * cols, cols, part.begin());
        break;
      default:
        kernels_->pool(
            {rows.data, part.data(), rows.rows, rows.cols, kernel_pooling(poolings_[i])});
        if (poolings_[i] != PoolingMode::mean_sqrt_len) break;
        // sum / sqrt(n) is mean * sqrt(n).
        for (float& value : part) value *= std::sqrt(static_cast<float>(rows.rows));
    }
  }
}

void SentenceVectors::apply(const Step& step, int rows, std::span<const float> x,
                            std::span<float> y) const {
  const VectorModule& module = step.module;
  kernels::LinearArgs args{
      .x = x.data(),
      .x_stride = module.in,
      .panels = step.weight,
      .bias = step.bias,
      .y = y.data(),
      .y_stride = module.out,
      .y_type = kernels::DType::f32,
      .m = rows,
      .n = module.out,
      .k = module.in,
      .activation = kernel_activation(module.activation),
      .panel_end = (module.out + kernels::kPanelWidth - 1) / kernels::kPanelWidth};
  kernels_->linear_f32(args);
  if (!module.residual) return;
  const auto tokens = static_cast<std::size_t>(rows);
  std::vector<float> added(x.begin(), x.begin() + tokens * static_cast<std::size_t>(module.in));
  if (step.residual != nullptr) {
    added.resize(tokens * static_cast<std::size_t>(module.out));
    args.panels = step.residual;
    args.bias = nullptr;
    args.activation = kernels::Activation::none;
    args.y = added.data();
    kernels_->linear_f32(args);
  }
  for (std::size_t i = 0; i < tokens * static_cast<std::size_t>(module.out); ++i) y[i] += added[i];
}

}  // namespace sapwood::tasks
