#include "load/int8_errors.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "run/choose_kernels.h"
#include "run/run.h"
#include "sapwood/kernels/pack.h"

namespace sapwood {
namespace {

constexpr int kSampleTokens = 512;
constexpr int kRandomTokens = 64;

constexpr const char* kSentences[] = {
    "The committee will meet again on Thursday, 14 March 2019, to decide about the bridge.",
    "it 's a charming and often affecting journey .",
    "What is the difference between sapwood and heartwood in an old oak tree?",
    ("Maria Keller moved from Zürich to New York in 1998 and founded a small publishing house "
     "there."),
    "Prices rose by 3.7 % (year on year), although most analysts had expected them to fall.",
    "He didn't say a word; he just closed the door, sat down, and looked out of the window.",
};

void append(Batch& batch, std::span<const std::int32_t> ids, const Capacity& capacity) {
  ids = ids.first(std::min<std::size_t>(ids.size(), capacity.length));
  const auto last = static_cast<std::int32_t>(ids.size()) - 1;
  if (!ids.empty() && batch.fits(ids.size(), 1, capacity)) batch.add(ids, {}, {&last, 1});
}

void fill_sample(Batch& batch, const ModelConfig& config, const Tokenizer* tokenizer,
                 const Capacity& capacity) {
  if (tokenizer != nullptr) {
    for (const char* sentence : kSentences) {
      append(batch, tokenizer->encode(sentence).ids, capacity);
    }
  }
  std::mt19937 random(1);
  std::uniform_int_distribution<std::int32_t> any(0, config.vocab_size - 1);
  std::vector<std::int32_t> ids(std::min(kRandomTokens, config.max_positions));
  std::generate(ids.begin(), ids.end(), [&] { return any(random); });
  append(batch, ids, capacity);
}

// w [n, k] from f32 panels.
std::vector<float> unpacked(const float* panels, int n, int k) {
  constexpr int kWidth = kernels::kPanelWidth;
  std::vector<float> w(static_cast<std::size_t>(n) * k);
  for (int j = 0; j < n; ++j) {
    const float* panel = panels + std::int64_t{j / kWidth} * k * kWidth + j % kWidth;
    for (int i = 0; i < k; ++i) w[static_cast<std::size_t>(j) * k + i] = panel[i * kWidth];
  }
  return w;
}

// Its first place that kernels take; it must have kAlignment elements to spare.
template <class Byte>
Byte* aligned(std::vector<Byte>& storage) {
  const auto at = reinterpret_cast<std::uintptr_t>(storage.data());
  return storage.data() + (kernels::kAlignment - at % kernels::kAlignment);
}

// How far the product's outputs in int8, without bias and activation, are from those in f32. NaN
// where a weight or an input is not finite, so that nothing can be said.
double error_of(const LinearOp& op, const kernels::KernelTable& kernels, const float* x, int rows) {
  const int n = op.n, k = op.k;
  const auto padded = static_cast<std::size_t>(kernels::round_up(n, kernels::kPanelWidth));
  const auto outputs = static_cast<std::size_t>(rows) * n;
  std::vector<float> exact(outputs), rounded(outputs), scales(padded);
  std::vector<std::int32_t> sums(padded);
  kernels::LinearArgs args{.x = x,
                           .x_stride = k,
                           .panels = op.weight.data,
                           .y = exact.data(),
                           .y_stride = n,
                           .m = rows,
                           .n = n,
                           .k = k,
                           .panel_begin = 0,
                           .panel_end = static_cast<int>(padded) / kernels::kPanelWidth};
  kernels.linear_f32(args);
  const auto is_finite = [](float value) { return std::isfinite(value); };
  const std::vector<float> w = unpacked(static_cast<const float*>(op.weight.data), n, k);
  if (!std::all_of(w.begin(), w.end(), is_finite)) return std::nan("");

  const std::int64_t stride = kernels::round_up(k, 4);
  std::vector<std::uint8_t> q(static_cast<std::size_t>(rows * stride));
  std::vector<kernels::RowScale> x_scales(static_cast<std::size_t>(rows));
  kernels.quantize({x, q.data(), stride, x_scales.data(), rows, k});
  const auto bytes = static_cast<std::size_t>(
      kernels::packed_linear_size(n, k, kernels::DType::int8) + kernels::kAlignment);
  std::vector<std::int8_t> storage(bytes);
  std::int8_t* panels = aligned(storage);
  kernels::pack_linear_int8(w.data(), n, k, panels, scales.data(), sums.data());
  args.x = q.data();
  args.x_stride = stride;
  args.x_scales = x_scales.data();
  args.panels = panels;
  args.scales = scales.data();
  args.sums = sums.data();
  args.y = rounded.data();
  std::vector<std::byte> scratch(kernels::linear_scratch(kernels::DType::int8) +
                                 kernels::kAlignment);
  args.scratch = aligned(scratch);
  kernels.linear_int8(args);

  double squares = 0, of = 0;
  for (std::size_t i = 0; i < outputs; ++i) {
    const double difference = static_cast<double>(rounded[i]) - exact[i];
    squares += difference * difference;
    of += static_cast<double>(exact[i]) * exact[i];
  }
  // Outputs that are all zero are exact in int8 too; NaN stays NaN.
  return squares == 0 ? 0 : std::sqrt(squares / of);
}

}  // namespace

std::vector<ProductError> int8_errors(const ModelConfig& config, const PackedWeights& weights,
                                      const Tokenizer* tokenizer) {
  const kernels::KernelTable& kernels = choose_kernels(Isa::automatic);
  const int sequences = static_cast<int>(std::size(kSentences)) + 1;
  const Graph graph(config, weights, kernels);
  const Capacity capacity{.tokens = std::max(kSampleTokens, config.max_positions),
                          .sequences = sequences,
                          .selected = sequences,
                          .length = config.max_positions};
  Team alone(1);
  Workspace workspace(graph, capacity);
  fill_sample(workspace.batch, config, tokenizer, capacity);
  std::vector<ProductError> errors;
  const WeightTypes int8 = WeightTypes::all(kernels::DType::int8);
  for (const Node& node : graph.nodes()) {
    const auto* op = std::get_if<LinearOp>(&node.op);
    if (op != nullptr && int8.stored(node.name, op->n, op->k) == kernels::DType::int8) {
      const int rows = workspace.batch.rows(graph.value(op->x).rows);
      errors.push_back({node.name, error_of(*op, kernels, workspace.at(op->x), rows)});
    }
    run_node(graph, node, workspace, alone);
  }
  return errors;
}

}  // namespace sapwood
