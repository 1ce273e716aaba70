// What holds of every checkpoint that opened.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "checkpoint/tensor_source.h"
#include "target.h"

namespace sapwood::fuzz {

// Reads every byte of every tensor, so that the sanitizer sees where one lies outside its file.
inline void check_tensors(const TensorSource& source) {
  for (const TensorView& tensor : source.tensors()) {
    require(&source.at(tensor.name) == &tensor, "a tensor that its name does not find");
    unsigned char sum = 0;
    for (std::int64_t i = 0; i < tensor.bytes; ++i) {
      sum = static_cast<unsigned char>(sum ^ std::to_integer<unsigned char>(tensor.data[i]));
    }
    keep(sum);
    for (const std::int64_t dimension : tensor.shape) require(dimension >= 0, "a negative shape");
    if (tensor.dtype == TensorDtype::other) continue;
    const std::int64_t elements = tensor.elements();
    require(elements <= std::numeric_limits<std::int64_t>::max() / dtype_size(tensor.dtype) &&
                elements * dtype_size(tensor.dtype) == tensor.bytes,
            "a shape that is not that of the bytes");
    if (!is_floating(tensor.dtype) || elements > 1 << 16) continue;
    std::vector<float> values(static_cast<std::size_t>(elements));
    to_float(tensor, values.data());
  }
}

}  // namespace sapwood::fuzz
