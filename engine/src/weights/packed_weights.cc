#include "weights/packed_weights.h"

#include <cstring>

#include "checkpoint/safetensors_writer.h"
#include "weights/placement.h"
#include "weights/problems.h"

namespace sapwood {

PackedWeights PackedWeights::map(std::shared_ptr<const TensorSource> source,
                                 const ModelConfig& config, const WeightTypes& types) {
  PackedWeights weights;
  weights.types_ = types;
  Problems problems;
  for (const PackedSpec& spec : weight_table(config, types, "")) {
    const TensorView* tensor = source->find(spec.name);
    if (tensor == nullptr) {
      problems.add(ErrorCode::mismatch, "packed tensor '" + spec.name + "' is missing: expected " +
                                            to_string(spec.shape));
      continue;
    }
    if (tensor->shape != spec.shape || tensor->dtype != spec.dtype) {
      problems.add(ErrorCode::mismatch, "packed tensor '" + spec.name + "': expected " +
                                            std::string(dtype_name(spec.dtype)) + " " +
                                            to_string(spec.shape) + ", found " +
                                            tensor->dtype_name + " " + to_string(tensor->shape));
      continue;
    }
    if (reinterpret_cast<std::uintptr_t>(tensor->data) % kernels::kAlignment != 0) {
      problems.add(ErrorCode::malformed,
                   "packed tensor '" + spec.name + "' is not aligned to 64 bytes");
      continue;
    }
    weights.tensors_[spec.name] = {spec.dtype, spec.shape, tensor->data, tensor->bytes};
  }
  problems.throw_if_any();
  for (const TensorView& tensor : source->tensors()) {
    if (weights.tensors_.count(tensor.name) == 0 && !tensor.name.starts_with(kPadPrefix)) {
      weights.unused_.push_back(tensor.name);
    }
  }
  weights.owner_ = std::move(source);
  return weights;
}

void PackedWeights::copy() {
  std::map<std::string, PackedTensor> copies = tensors_;
  std::shared_ptr<std::byte> buffer = place(copies);
  for (const auto& [name, tensor] : tensors_) {
    auto* to = const_cast<std::byte*>(copies.at(name).data);
    std::memcpy(to, tensor.data, static_cast<std::size_t>(tensor.bytes));
  }
  tensors_ = std::move(copies);
  owner_ = std::move(buffer);
}

const PackedTensor* PackedWeights::find(const std::string& name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

std::int64_t PackedWeights::bytes() const {
  std::int64_t total = 0;
  for (const auto& [name, tensor] : tensors_) total += tensor.bytes;
  return total;
}

}  // namespace sapwood
