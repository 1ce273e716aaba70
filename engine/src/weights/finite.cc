#include "weights/finite.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace sapwood {
namespace {

// The name by which WeightTypes knows what a packed tensor belongs to.
std::string product_of(const PackedSpec& spec) {
  return spec.layout == Layout::rows ? spec.name : spec.name.substr(0, spec.name.rfind('.'));
}

bool is_int8(const PackedSpec& spec, const WeightTypes& types) {
  switch (spec.layout) {
    case Layout::rows:
    case Layout::panels:
      return spec.dtype == TensorDtype::i8;
    case Layout::fff:  // the rows it decides by are no coarser than the others
      return types.of(product_of(spec)) == kernels::DType::int8;
    default:
      return false;
  }
}

}  // namespace

bool all_finite(const TensorView& tensor) {
  constexpr std::int64_t kPiece = 2048;  // stays in the first-level cache
  float values[kPiece];
  const std::int64_t count = tensor.elements(), size = dtype_size(tensor.dtype);
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t piece = std::min(kPiece, count - first);
    to_float(tensor.dtype, tensor.data + first * size, piece, values);
    if (!std::all_of(values, values + piece, [](float value) { return std::isfinite(value); })) {
      return false;
    }
  }
  return true;
}

const TensorView* find_any(const TensorSource& source, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const TensorView* tensor = source.find(name)) return tensor;
  }
  return nullptr;
}

bool widen_not_finite(const TensorSource& source, const std::vector<PackedSpec>& table,
                      WeightTypes& types) {
  std::map<const TensorView*, bool> finite;  // a tensor may have a part in several products
  bool changed = false;
  for (const PackedSpec& spec : table) {
    if (!is_int8(spec, types)) continue;
    for (const SourceTensor& wanted : spec.sources) {
      const TensorView* tensor = find_any(source, wanted.names);
      const auto [known, is_new] = finite.try_emplace(tensor, true);
      if (is_new) known->second = all_finite(*tensor);
      if (known->second) continue;
      types.exceptions[product_of(spec)] = kernels::DType::bf16;
      changed = true;
    }
  }
  return changed;
}

}  // namespace sapwood
