#include "weights/weight_table.h"

#include <cmath>

#include "architecture/head.h"
#include "checkpoint/tensor_source.h"
#include "sapwood/error.h"
#include "weights/table.h"

namespace sapwood {

kernels::DType WeightTypes::of(const std::string& product) const {
  const auto it = exceptions.find(product);
  return it == exceptions.end() ? products : it->second;
}

kernels::DType WeightTypes::stored(const std::string& product, std::int64_t n,
                                   std::int64_t k) const {
  constexpr std::int64_t kSmall = 64;
  if (n < kSmall || product.starts_with(kSentencePrefix)) return kernels::DType::f32;
  if (k > kernels::kMostBf16Depth) return kernels::DType::f32;
  const kernels::DType type = of(product);
  const bool too_long = type == kernels::DType::int8 && k > kernels::kMostInt8Depth;
  return too_long ? kernels::DType::bf16 : type;
}

kernels::DType parse_weight_type(const std::string& name, const std::string& what) {
  for (const auto type : {kernels::DType::f32, kernels::DType::bf16, kernels::DType::int8}) {
    if (name == to_string(type)) return type;
  }
  throw Error(ErrorCode::unsupported, what + ": expected f32, bf16 or int8, found '" + name + "'");
}

kernels::DType dtype_of(WeightType type) noexcept {
  switch (type) {
    case WeightType::automatic:
    case WeightType::f32:
      break;
    case WeightType::bf16:
      return kernels::DType::bf16;
    case WeightType::int8:
      return kernels::DType::int8;
  }
  return kernels::DType::f32;
}

const char* to_string(kernels::DType type) noexcept {
  for (const WeightType named : {WeightType::f32, WeightType::bf16, WeightType::int8}) {
    if (dtype_of(named) == type)
      return to_string(named).data();  // a literal, so it ends with a zero
  }
  return "?";
}

namespace {

void add_head(Table& table, const ModelConfig& config, const std::string& prefix) {
  if (const Head* head = find_head(config.head)) {
    head->tensors(table, config, head_class_of(config), prefix);
  }
}

void add_dense(Table& table, const std::string& name, const VectorModule& module) {
  if (module.kind != VectorModuleKind::dense) return;
  const std::string source = module.path.empty() ? "" : module.path + "/";
  table.linear(name, source + "linear", module.bias ? Bias::yes : Bias::no, module.out, module.in);
  if (module.residual && module.in != module.out) {
    table.linear(name + ".residual", source + "residual", Bias::no, module.out, module.in);
  }
}

// sentence-transformers' modules.
void add_modules(Table& table, const ModelConfig& config) {
  if (!config.sentence) return;
  const SentenceConfig& sentence = *config.sentence;
  for (std::size_t i = 0; i < sentence.modules.size(); ++i) {
    add_dense(table, sentence_name(i), sentence.modules[i]);
  }
  for (std::size_t i = 0; i < sentence.token_modules.size(); ++i) {
    add_dense(table, token_module_name(i), sentence.token_modules[i]);
  }
  if (sentence.sparse && !sentence.sparse->query_path.empty()) {
    table.vector(kSparseQueryName, {sentence.sparse->query_path + "/weight"}, config.vocab_size);
  }
}

}  // namespace

std::string sentence_name(std::size_t module) {
  return std::string(kSentencePrefix) + std::to_string(module);
}

std::string token_module_name(std::size_t module) {
  return std::string(kSentencePrefix) + "token." + std::to_string(module);
}

std::vector<PackedSpec> head_table(const ModelConfig& config, const std::string& prefix) {
  const WeightTypes types;
  Table table(config, types);
  add_head(table, config, prefix);
  return table.take();
}

std::vector<PackedSpec> weight_table(const ModelConfig& config, const WeightTypes& types,
                                     const std::string& prefix) {
  Table tensors(config, types);
  family_of(config).tensors(tensors, config, prefix);
  add_head(tensors, config, prefix);
  add_modules(tensors, config);
  std::vector<PackedSpec> table = tensors.take();
  for (const PackedSpec& spec : table) {
    // Kernels divide by sizes, and a product without outputs has nothing to split.
    if (std::all_of(spec.shape.begin(), spec.shape.end(), [](auto size) { return size > 0; })) {
      continue;
    }
    throw Error(ErrorCode::mismatch, "tensor '" + spec.name +
                                         "': the configuration makes its shape " +
                                         to_string(spec.shape) + ": every size must be positive");
  }
  return table;
}

float attention_scale(int head_dim) { return 1.0f / std::sqrt(static_cast<float>(head_dim)); }

bool is_tied(const ModelConfig& config) {
  return config.head == HeadKind::masked_lm && config.tied_decoder;
}

}  // namespace sapwood
