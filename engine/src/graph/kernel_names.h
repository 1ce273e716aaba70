// What the kernels call what a configuration says.
#pragma once

#include "sapwood/config.h"
#include "sapwood/kernels/kernels.h"

namespace sapwood {

constexpr kernels::Activation kernel_activation(Activation activation) {
  switch (activation) {
    case Activation::none:
      return kernels::Activation::none;
    case Activation::gelu:
      return kernels::Activation::gelu;
    case Activation::gelu_tanh:
      return kernels::Activation::gelu_tanh;
    case Activation::relu:
      return kernels::Activation::relu;
    case Activation::tanh:
      return kernels::Activation::tanh;
    case Activation::silu:
      return kernels::Activation::silu;
    case Activation::quick_gelu:
      return kernels::Activation::quick_gelu;
    case Activation::gelu_10:
      return kernels::Activation::gelu_10;
  }
  return kernels::Activation::none;
}

// Of a head's pooling. The kernels have none for a row each token, nor for what only
// sentence-transformers has (tasks/sentence_vectors.h).
constexpr kernels::Pooling kernel_pooling(PoolingMode mode) {
  switch (mode) {
    case PoolingMode::max:
      return kernels::Pooling::max;
    case PoolingMode::cls:
      return kernels::Pooling::cls;
    case PoolingMode::mean:
    case PoolingMode::none:
    case PoolingMode::mean_sqrt_len:
    case PoolingMode::weighted_mean:
    case PoolingMode::last_token:
      break;
  }
  return kernels::Pooling::mean;
}

}  // namespace sapwood
