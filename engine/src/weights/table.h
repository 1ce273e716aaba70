// Collects the specs of one model.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sapwood/kernels/pack.h"
#include "weights/weight_table.h"

namespace sapwood {

// The names that a tensor is known by.
using Names = std::vector<std::string>;

enum class Bias : std::uint8_t { no, yes };

// What a part of layer `layer` is called among the packed tensors and in the graph.
inline std::string layer_name(int layer, const char* part) {
  return "layers." + std::to_string(layer) + "." + part;
}

// The methods say what a tensor is for; the checkpoint's names come from the family (families/) and the head (heads/).
class Table {
 public:
  Table(const ModelConfig& config, const WeightTypes& types) : config_(config), types_(types) {}

  // A table of `rows` rows, which are the stored ones from `first` to the last.
  void rows(const std::string& name, Names source, std::int64_t rows, std::int64_t cols,
            std::int64_t first = 0) {
    SourceTensor stored{std::move(source), {first + rows, cols}};
    if (first > 0) {
      stored.first = first;
      stored.count = rows;
    }
    add({.name = name, .layout = Layout::rows, .shape = {rows, cols}, .sources = {stored}});
  }

  // The word embedding: the one table that is large. A tied decoder holds it.
  void words(Names source) {
    if (is_tied(config_)) return;
    const std::string name = "embeddings.word";
    rows(name, std::move(source), config_.vocab_size, config_.embedding_size);
    specs_.back().dtype = dtype_of(types_.of(name));
    if (types_.of(name) == kernels::DType::int8) {
      derived(scales_name(name), TensorDtype::f32, config_.vocab_size);
    }
  }

  // A table of positions that is computed; `scale`: the names of what it is multiplied by, if anything.
  void sinusoidal(const std::string& name, Names scale) {
    PackedSpec spec{.name = name,
                    .layout = Layout::rows,
                    .shape = {config_.max_positions, config_.embedding_size}};
    spec.computed = Computed::sinusoidal;
    if (!scale.empty()) spec.sources.push_back({std::move(scale), {1}});
    add(std::move(spec));
  }

  void rotary(const std::string& name, double base) {
    PackedSpec spec{
        .name = name, .layout = Layout::rows, .shape = {config_.max_positions, config_.head_dim()}};
    spec.computed = Computed::rotary;
    spec.rotary_base = base;
    add(std::move(spec));
  }

  // What attention adds to its scores, from a table [buckets, heads].
  void relative_bias(Names source) {
    PackedSpec spec{.name = "attention.bias",
                    .layout = Layout::rows,
                    .shape = {config_.heads, kernels::attention_distances(config_.max_positions)},
                    .sources = {{std::move(source), {config_.relative_buckets, config_.heads}}}};
    spec.computed = Computed::relative_bias;
    add(std::move(spec));
  }

  void vector(const std::string& name, Names source, std::int64_t n) {
    add({.name = name, .shape = {n}, .sources = {{std::move(source), {n}}}});
  }

  // Also known as gamma and beta in checkpoints that were converted from TensorFlow.
  void norm(const std::string& name, const std::string& source, std::int64_t cols,
            Bias bias = Bias::yes) {
    vector(name + ".gamma", {source + ".weight", source + ".gamma"}, cols);
    if (bias == Bias::yes) vector(name + ".beta", {source + ".bias", source + ".beta"}, cols);
  }

  // A product [n, k] from sources stacked along rows.
  void product(const std::string& name, std::vector<SourceTensor> weights,
               std::vector<SourceTensor> biases, std::int64_t n, std::int64_t k,
               RowOrder order = RowOrder::as_stored) {
    const std::int64_t padded = kernels::round_up(n, kernels::kPanelWidth);
    const kernels::DType type = types_.stored(name, n, k);
    const std::int64_t per_word = kernels::elements_per_word(type);
    PackedSpec weight{.name = name + ".weight",
                      .layout = Layout::panels,
                      .dtype = dtype_of(type),
                      .shape = {padded / kernels::kPanelWidth,
                                kernels::round_up(k, per_word) / per_word, kernels::kPanelWidth},
                      .sources = std::move(weights),
                      .order = order};
    if (per_word > 1) weight.shape.push_back(per_word);
    add(std::move(weight));
    if (type == kernels::DType::int8) {
      derived(scales_name(name + ".weight"), TensorDtype::f32, padded);
      derived(sums_name(name + ".weight"), TensorDtype::i32, padded);
    }
    if (biases.empty()) return;
    add({.name = name + ".bias",
         .layout = Layout::bias,
         .shape = {padded},
         .sources = std::move(biases),
         .order = order});
  }

  // One product from one or several stacked [n, k] matrices.
  void linear(const std::string& name, const std::vector<Names>& weights,
              const std::vector<Names>& biases, std::int64_t n, std::int64_t k,
              RowOrder order = RowOrder::as_stored) {
    std::vector<SourceTensor> weight_sources, bias_sources;
    for (const Names& source : weights) weight_sources.push_back({source, {n, k}});
    for (const Names& source : biases) bias_sources.push_back({source, {n}});
    product(name, std::move(weight_sources), std::move(bias_sources),
            static_cast<std::int64_t>(weights.size()) * n, k, order);
  }
  void linear(const std::string& name, const std::string& source, Bias bias, std::int64_t n,
              std::int64_t k, RowOrder order = RowOrder::as_stored) {
    linear(name, {{source + ".weight"}},
           bias == Bias::yes ? std::vector<Names>{{source + ".bias"}} : std::vector<Names>{}, n, k,
           order);
  }

  void fff(const std::string& name, const std::string& source) {
    const FeedForwardConfig& ff = config_.feed_forward;
    const std::int64_t nodes = kernels::fff_nodes(ff.depth), all = ff.trees * nodes;
    const std::int64_t rows = all + ff.dense_width;  // the always-on neurons follow the trees'
    const std::int64_t hidden = config_.hidden;
    const kernels::DType out_type = types_.of(name), decision_type = types_.decision_type_of(name);
    const bool mixed = decision_type != out_type;
    const std::int64_t bytes = kernels::fff_node_bytes(hidden, decision_type, out_type);
    const std::int64_t size = dtype_size(dtype_of(out_type));
    // A node's rows of one type are a matrix; of two types, bytes.
    add({.name = name + ".nodes",
         .layout = Layout::fff,
         .dtype = mixed ? TensorDtype::u8 : dtype_of(out_type),
         .shape = mixed ? std::vector<std::int64_t>{ff.trees, nodes, bytes}
                        : std::vector<std::int64_t>{ff.trees, nodes, 2, bytes / 2 / size},
         .sources = {{{source + ".linear_in.weight"}, {rows, hidden}, 0, 0, all},
                     {{source + ".linear_out.weight"}, {hidden, rows}, 1, 0, all},
                     {{source + ".linear_in.bias"}, {rows}, 0, 0, all}}});
    add({.name = name + ".node_params", .layout = Layout::derived, .shape = {all, 4}});
    if (ff.dense_width == 0) return;
    product(name + ".dense_in",
            {{{source + ".linear_in.weight"}, {rows, hidden}, 0, all, ff.dense_width}},
            {{{source + ".linear_in.bias"}, {rows}, 0, all, ff.dense_width}}, ff.dense_width,
            hidden);
    product(name + ".dense_out",
            {{{source + ".linear_out.weight"}, {hidden, rows}, 1, all, ff.dense_width}}, {}, hidden,
            ff.dense_width);
  }

  void add(PackedSpec spec) { specs_.push_back(std::move(spec)); }
  std::vector<PackedSpec> take() { return std::move(specs_); }

 private:
  void derived(const std::string& name, TensorDtype dtype, std::int64_t n) {
    add({.name = name, .layout = Layout::derived, .dtype = dtype, .shape = {n}});
  }

  static TensorDtype dtype_of(kernels::DType type) {
    return type == kernels::DType::f32    ? TensorDtype::f32
           : type == kernels::DType::bf16 ? TensorDtype::bf16
                                          : TensorDtype::i8;
  }

  const ModelConfig& config_;
  const WeightTypes& types_;
  std::vector<PackedSpec> specs_;
};

}  // namespace sapwood
