// From a checkpoint to the layouts that the kernels read.
#include <algorithm>
#include <cstring>
#include <set>

#include "architecture/head.h"
#include "base/error_place.h"
#include "base/quote.h"
#include "checkpoint/dtype.h"
#include "checkpoint/safetensors_writer.h"
#include "sapwood/kernels/bf16.h"
#include "sapwood/kernels/pack.h"
#include "weights/computed.h"
#include "weights/finite.h"
#include "weights/packed_weights.h"
#include "weights/placement.h"
#include "weights/prefix.h"
#include "weights/problems.h"

namespace sapwood {
void drop_head(ModelConfig& config, std::string reason, const std::string& where,
               Notices& notices) {
  config.missing_head = config.head;
  config.missing_head_reason = std::move(reason);
  config.head = HeadKind::none;
  notices.add(where + ": config.json names a model with a " +
              std::string(to_string(config.missing_head)) + " head, but " +
              config.missing_head_reason + "; it is loaded without its head");
}

void drop_missing_head(const TensorSource& source, ModelConfig& config, Notices& notices) {
  if (config.head == HeadKind::none) return;
  std::string first;
  int missing = 0;
  for (const PackedSpec& spec : head_table(config, encoder_prefix(source, config))) {
    for (const SourceTensor& wanted : spec.sources) {
      if (find_any(source, wanted.names) != nullptr) continue;
      if (missing++ == 0) first = wanted.names[0];
    }
  }
  if (missing == 0) return;
  std::string reason = "the checkpoint has no tensor '" + first + "'";
  if (missing > 1) reason += " and lacks " + std::to_string(missing - 1) + " more of it";
  drop_head(config, std::move(reason), source.path().string(), notices);
}

void settle_decoder(const TensorSource& source, ModelConfig& config, Notices& notices) {
  if (config.head != HeadKind::masked_lm) return;
  const HeadClass& names = head_class_of(config);
  const std::string output(names.output);
  const auto differ = [&](const std::string& own, const std::string& other) {
    const TensorView* const a = source.find(own);
    const TensorView* const b = source.find(other);
    if (a == nullptr || b == nullptr || a->shape != b->shape || a->data == b->data) return false;
    return a->dtype != b->dtype ||
           std::memcmp(a->data, b->data, static_cast<std::size_t>(a->bytes)) != 0;
  };
  const std::string bias(names.output_bias);
  if (!bias.empty() && differ(output + ".bias", bias)) {
    notices.add(source.path().string() + ": " + quote(output + ".bias") + " and " + quote(bias) +
                " differ; the first counts, as in transformers 5");
  }
  const std::string word =
      encoder_prefix(source, config) + std::string(family_of(config).word_embedding);
  if (config.tied_decoder && differ(output + ".weight", word)) {
    config.tied_decoder = false;
    notices.add(source.path().string() + ": " + quote(output + ".weight") +
                " differs from the word embedding, to which the configuration ties it; it is taken "
                "as it stands, as in transformers 5");
  }
}

int count_labels(const TensorSource& source, const ModelConfig& config) {
  const std::string name = label_tensor_name(config);
  if (name.empty()) return 0;
  const TensorView& tensor = *source.find(name);
  if (tensor.shape.size() != 2 || tensor.shape[0] < 1 || tensor.shape[0] > (1 << 20)) {
    throw Error(ErrorCode::mismatch,
                "tensor '" + name + "': expected [labels, " +
                    std::to_string(config.head_width ? config.head_width : config.hidden) +
                    "], found " + to_string(tensor.shape));
  }
  return static_cast<int>(tensor.shape[0]);
}

namespace {

// The wanted row i of a stacked source is its stored row order[i].
std::vector<std::int64_t> row_order(RowOrder order, std::int64_t rows, const ModelConfig& config) {
  std::vector<std::int64_t> stored(rows);
  for (std::int64_t i = 0; i < rows; ++i) {
    switch (order) {
      case RowOrder::as_stored:
        stored[i] = i;
        break;
      case RowOrder::heads_of_qkv: {
        const std::int64_t dim = config.head_dim();
        const std::int64_t part = i / config.hidden, head = i % config.hidden / dim, d = i % dim;
        stored[i] = (head * 3 + part) * dim + d;
        break;
      }
      case RowOrder::gate_first:
        stored[i] = (i + rows / 2) % rows;
        break;
    }
  }
  return stored;
}

}  // namespace

// Packs the tensors of one checkpoint, one after the other, into one buffer.
class Packer {
 public:
  Packer(const TensorSource& source, const ModelConfig& config, const WeightTypes& types)
      : source_(source),
        config_(config),
        prefix_(encoder_prefix(source, config)),
        table_(weight_table(config, types, prefix_)) {
    weights_.types_ = types;
  }

  PackedWeights run() {
    if (widen_not_finite(source_, table_, weights_.types_)) {
      table_ = weight_table(config_, weights_.types_, prefix_);
    }
    for (const PackedSpec& spec : table_) {
      weights_.tensors_[spec.name] = {spec.dtype, spec.shape, nullptr, packed_bytes(spec)};
    }
    weights_.owner_ = place(weights_.tensors_);
    for (const PackedSpec& spec : table_) pack(spec);
    describe_source();
    return std::move(weights_);
  }

  // The model's own tensors.
  void check() const {
    Problems problems;
    for (const PackedSpec& spec : table_) {
      if (spec.computed != Computed::no) check_computed(spec, problems);
      for (const SourceTensor& wanted : spec.sources) {
        if (source_.part_of(wanted.names[0]) == nullptr) check_tensor(wanted, "", problems);
      }
    }
    problems.throw_if_any();
  }

  // Those of sentence-transformers' modules, which stand in files of their own. As the reference has it, such a file has
  // no other tensors.
  void check_modules() const {
    Problems problems;
    std::set<std::string_view> known;
    for (const PackedSpec& spec : table_) {
      for (const SourceTensor& wanted : spec.sources) {
        const TensorSource::Part* const part = source_.part_of(wanted.names[0]);
        if (part == nullptr) continue;
        known.insert(wanted.names.begin(), wanted.names.end());
        check_tensor(wanted, part->prefix, problems);
      }
    }
    for (const TensorView& tensor : source_.tensors()) {
      const TensorSource::Part* const part = source_.part_of(tensor.name);
      if (part == nullptr || known.contains(tensor.name)) continue;
      problems.add(ErrorCode::mismatch,
                   part->path.string() + ": tensor " +
                       quote(tensor.name.substr(part->prefix.size())) +
                       ": expected none of this name, as the config.json beside it has it (bias, "
                       "use_residual)");
    }
    problems.throw_if_any();
  }

 private:
  // `part`: what stands before the name in the file, which a problem then begins with.
  void check_tensor(const SourceTensor& wanted, std::string_view part, Problems& problems) const {
    const TensorView* const tensor = find_any(source_, wanted.names);
    const std::string& name = tensor == nullptr ? wanted.names[0] : tensor->name;
    std::string problem = "tensor '" + name.substr(part.size()) + "'";
    if (!part.empty()) problem.insert(0, source_.part_of(name)->path.string() + ": ");
    if (tensor == nullptr) {
      problem += " is missing: expected " + to_string(wanted.shape);
    } else if (tensor->shape != wanted.shape) {
      problem += ": expected " + to_string(wanted.shape) + ", found " + to_string(tensor->shape);
    } else if (!is_floating(tensor->dtype)) {
      problem += ": expected F32, F16 or BF16, found " + tensor->dtype_name;
    } else {
      return;
    }
    problems.add(ErrorCode::mismatch, std::move(problem));
  }

  // A table that is computed has only the configuration's word for its size.
  void check_computed(const PackedSpec& spec, Problems& problems) const {
    constexpr std::int64_t kHarmless = 64 << 20;
    std::int64_t file_bytes = 0;
    for (const MappedFile& file : source_.files()) file_bytes += file.size();
    const std::int64_t bytes = packed_bytes(spec);
    if (bytes <= std::max(kHarmless, file_bytes)) return;
    problems.add(ErrorCode::mismatch, "the configuration asks for " +
                                          std::to_string(config_.max_positions) +
                                          " positions, a table of " + std::to_string(bytes) +
                                          " bytes, more than the whole checkpoint has");
  }

  // A source, or the part of it that is wanted, as floats.
  void load(const SourceTensor& wanted, float* out) {
    const TensorView& tensor = *find_any(source_, wanted.names);
    used_.insert(tensor.name);
    if (wanted.count == 0) return to_float(tensor, out);
    std::vector<float> whole(static_cast<std::size_t>(tensor.elements()));
    to_float(tensor, whole.data());
    // Axis 0 takes one run of rows, axis 1 a run of each row.
    const std::int64_t cols = wanted.shape.size() > 1 ? wanted.shape[1] : 1;
    const std::int64_t runs = wanted.axis == 0 ? 1 : wanted.shape[0];
    const std::int64_t unit = wanted.axis == 0 ? cols : 1;
    for (std::int64_t run = 0; run < runs; ++run) {
      const float* from = whole.data() + run * cols + wanted.first * unit;
      std::copy_n(from, wanted.count * unit, out + run * wanted.count * unit);
    }
  }

  // A spec's sources as floats, stacked along rows in the wanted order.
  void gather(const PackedSpec& spec, float* out) {
    std::int64_t rows = 0, row_size = 1;
    for (const SourceTensor& wanted : spec.sources) {
      const std::vector<std::int64_t> shape = wanted.part_shape();
      rows += shape[0];
      row_size = shape.size() > 1 ? shape[1] : 1;
    }
    float* stored = out;
    if (spec.order != RowOrder::as_stored) {
      reordered_.resize(static_cast<std::size_t>(rows * row_size));
      stored = reordered_.data();
    }
    float* next = stored;
    for (const SourceTensor& wanted : spec.sources) {
      load(wanted, next);
      next += elements(wanted.part_shape());
    }
    if (spec.order == RowOrder::as_stored) return;
    const std::vector<std::int64_t> order = row_order(spec.order, rows, config_);
    for (std::int64_t i = 0; i < rows; ++i) {
      std::memcpy(out + i * row_size, stored + order[i] * row_size, row_size * sizeof(float));
    }
  }

  const float* gather(const PackedSpec& spec) {
    std::int64_t count = 0;
    for (const SourceTensor& wanted : spec.sources) count += elements(wanted.part_shape());
    gathered_.resize(static_cast<std::size_t>(count));
    gather(spec, gathered_.data());
    return gathered_.data();
  }

  // Where the tensor of this name goes.
  template <typename T>
  T* target(const std::string& name) const {
    return reinterpret_cast<T*>(const_cast<std::byte*>(weights_.tensors_.at(name).data));
  }

  void pack(const PackedSpec& spec) {
    auto* const out = target<float>(spec.name);
    if (spec.computed != Computed::no) {
      return fill_computed(spec, config_, spec.sources.empty() ? nullptr : gather(spec), out);
    }
    switch (spec.layout) {
      case Layout::derived:
        break;
      case Layout::vector:
        gather(spec, out);
        break;
      case Layout::rows:
        pack_rows(spec);
        break;
      case Layout::bias:
        std::fill_n(out, spec.shape[0], 0.0f);
        gather(spec, out);
        break;
      case Layout::panels:
        pack_panels(spec);
        break;
      case Layout::fff:
        pack_nodes(spec);
        break;
    }
  }

  void pack_nodes(const PackedSpec& spec) {
    const auto copy = [&](const SourceTensor& source) {
      const float* values = gather(PackedSpec{.name = spec.name, .sources = {source}});
      return std::vector<float>(values, values + elements(source.part_shape()));
    };
    const std::vector<float> in = copy(spec.sources[0]), out = copy(spec.sources[1]),
                             bias = copy(spec.sources[2]);
    const std::string layer = spec.name.substr(0, spec.name.rfind('.'));
    kernels::pack_fff({.linear_in = in.data(),
                       .linear_out = out.data(),
                       .bias = bias.data(),
                       .trees = config_.feed_forward.trees,
                       .depth = config_.feed_forward.depth,
                       .cols = config_.hidden,
                       .decision_type = weights_.types_.decision_type_of(layer),
                       .out_type = weights_.types_.of(layer)},
                      target<std::byte>(spec.name),
                      target<kernels::FffNode>(layer + ".node_params"));
  }

  void pack_rows(const PackedSpec& spec) {
    if (spec.dtype == TensorDtype::f32) return gather(spec, target<float>(spec.name));
    const float* rows = gather(spec);
    const std::int64_t count = elements(spec.shape), cols = spec.shape[1];
    if (spec.dtype == TensorDtype::bf16) {
      std::transform(rows, rows + count, target<kernels::Bf16>(spec.name), kernels::bf16_of);
      return;
    }
    auto* const out = target<std::int8_t>(spec.name);
    auto* const scales = target<float>(scales_name(spec.name));
    for (std::int64_t i = 0; i < spec.shape[0]; ++i) {
      const float* row = rows + i * cols;
      const float scale = scales[i] = kernels::int8_scale(row, cols);
      std::transform(row, row + cols, out + i * cols,
                     [scale](float w) { return kernels::int8_of(w, scale); });
    }
  }

  void pack_panels(const PackedSpec& spec) {
    std::int64_t n = 0;
    for (const SourceTensor& wanted : spec.sources) n += wanted.part_shape()[0];
    const std::int64_t k = spec.sources[0].part_shape()[1];
    const float* w = gather(spec);
    switch (spec.dtype) {
      case TensorDtype::bf16:
        return kernels::pack_linear_bf16(w, n, k, target<kernels::Bf16>(spec.name));
      case TensorDtype::i8:
        return kernels::pack_linear_int8(w, n, k, target<std::int8_t>(spec.name),
                                         target<float>(scales_name(spec.name)),
                                         target<std::int32_t>(sums_name(spec.name)));
      default:
        return kernels::pack_linear(w, n, k, target<float>(spec.name));
    }
  }

  void describe_source() {
    std::map<std::string, std::int64_t> elements_of_dtype;
    for (const TensorView& tensor : source_.tensors()) {
      if (used_.count(tensor.name) == 0) {
        if (!tensor.name.starts_with(kPadPrefix)) weights_.unused_.push_back(tensor.name);
        continue;
      }
      weights_.parameters_ += tensor.elements();
      elements_of_dtype[tensor.dtype_name] += tensor.elements();
    }
    const auto most =
        std::max_element(elements_of_dtype.begin(), elements_of_dtype.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != elements_of_dtype.end()) weights_.source_dtype_ = most->first;
  }

  const TensorSource& source_;
  const ModelConfig& config_;
  const std::string prefix_;  // of the encoder's names in this checkpoint
  std::vector<PackedSpec> table_;
  std::vector<float> gathered_, reordered_;
  std::set<std::string> used_;
  PackedWeights weights_;
};

namespace {

// What is packed, when all of it was looked at. The model's own file is named in what is thrown, and a module's likewise.
Packer checked(const TensorSource& source, const ModelConfig& config, const WeightTypes& types) {
  Packer packer = placing(source.path().string(), [&] {
    Packer made(source, config, types);
    made.check();
    return made;
  });
  packer.check_modules();
  return packer;
}

}  // namespace

void PackedWeights::check(const TensorSource& source, const ModelConfig& config) {
  checked(source, config, {});
}

PackedWeights PackedWeights::pack(const TensorSource& source, const ModelConfig& config,
                                  const WeightTypes& types) {
  Packer packer = checked(source, config, types);
  return placing(source.path().string(), [&] { return packer.run(); });
}

}  // namespace sapwood
