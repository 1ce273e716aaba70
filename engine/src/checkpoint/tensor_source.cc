#include "checkpoint/tensor_source.h"

#include <utility>

#include "base/checked.h"
#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {

std::int64_t TensorView::elements() const noexcept {
  return checked_product(shape).value_or(Size()).get();
}

std::string to_string(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (const std::int64_t dimension : shape) {
    if (out.size() > 1) out += ", ";
    out += std::to_string(dimension);
  }
  return out + "]";
}

std::string to_string(const std::vector<Size>& shape) {
  std::vector<std::int64_t> numbers;
  for (const Size dimension : shape) numbers.push_back(dimension.get());
  return to_string(numbers);
}

void to_float(const TensorView& tensor, float* dst) {
  if (!is_floating(tensor.dtype)) {
    throw Error(ErrorCode::unsupported, "tensor " + quote(tensor.name) +
                                            ": expected dtype F64, F32, F16 or BF16, found " +
                                            quote(tensor.dtype_name));
  }
  to_float(tensor.dtype, tensor.data, tensor.elements(), dst);
}

std::vector<std::string> TensorSource::names() const {
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const TensorView& tensor : tensors_) names.push_back(tensor.name);
  return names;
}

const TensorView* TensorSource::find(std::string_view name) const noexcept {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

const TensorView& TensorSource::at(std::string_view name) const {
  const TensorView* const tensor = find(name);
  if (tensor == nullptr) {
    throw Error(ErrorCode::not_found, path_.string() + ": expected a tensor " + quote(name) +
                                          ", found none of that name among " +
                                          std::to_string(tensors_.size()));
  }
  return *tensor;
}

void TensorSource::add(TensorView tensor) {
  if (!index_.emplace(tensor.name, tensors_.size()).second) {
    throw Error(ErrorCode::malformed,
                path_.string() + ": tensor " + quote(tensor.name) + " appears twice");
  }
  tensors_.push_back(std::move(tensor));
}

void TensorSource::strip_prefix(std::string_view prefix) {
  for (TensorView& tensor : tensors_) {
    if (!tensor.name.starts_with(prefix)) continue;
    std::string rest = tensor.name.substr(prefix.size());
    if (rest.empty() || index_.contains(rest)) continue;
    auto node = index_.extract(tensor.name);
    node.key() = rest;
    index_.insert(std::move(node));
    tensor.name = std::move(rest);
  }
}

void TensorSource::merge(TensorSource&& other, std::string_view prefix) {
  for (TensorView& tensor : other.tensors_) {
    if (!prefix.empty()) tensor.name.insert(0, prefix);
    add(std::move(tensor));
  }
  if (!prefix.empty()) parts_.push_back({std::string(prefix), other.path_});
  own_files_of(std::move(other));
}

const TensorSource::Part* TensorSource::part_of(std::string_view name) const noexcept {
  for (const Part& part : parts_) {
    if (name.starts_with(part.prefix)) return &part;
  }
  return nullptr;
}

void TensorSource::own_files_of(TensorSource&& other) {
  for (MappedFile& file : other.files_) files_.push_back(std::move(file));
  for (auto& buffer : other.buffers_) buffers_.push_back(std::move(buffer));
  other = TensorSource();
}

}  // namespace sapwood
