#include "oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace sapwood::kernels::oracle {
namespace {

double gelu(double x) {
  if (x == -std::numeric_limits<double>::infinity()) return 0;  // the limit
  return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
}

double gelu_tanh(double x) {
  if (x == -std::numeric_limits<double>::infinity()) return 0;
  // (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)), without cancellation for negative u.
  const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}

double silu(double x) {
  if (x == -std::numeric_limits<double>::infinity()) return 0;
  return x / (1 + std::exp(-x));
}

double quick_gelu(double x) {
  if (x == -std::numeric_limits<double>::infinity()) return 0;
  return x / (1 + std::exp(-1.702 * x));
}

double gelu_10(double x) { return std::isnan(x) ? x : std::min(gelu(x), 10.0); }

}  // namespace

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::relu:
      return std::isnan(x) ? x : std::max(x, 0.0);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::silu:
      return silu(x);
    case Activation::quick_gelu:
      return quick_gelu(x);
    case Activation::gelu_10:
      return gelu_10(x);
  }
  return x;
}

std::vector<double> linear(const float* x, std::int64_t x_stride, const float* w, const float* bias,
                           int m, int n, int k, Activation activation) {
  std::vector<double> y;
  y.reserve(static_cast<std::size_t>(m) * n);
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = bias == nullptr ? 0.0 : bias[j];
      for (int l = 0; l < k; ++l) sum += double{x[i * x_stride + l]} * w[std::int64_t{j} * k + l];
      y.push_back(activate(sum, activation));
    }
  }
  return y;
}

std::vector<double> linear_magnitude(const float* x, std::int64_t x_stride, const float* w,
                                     const float* bias, int m, int n, int k) {
  std::vector<double> sums;
  sums.reserve(static_cast<std::size_t>(m) * n);
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = bias == nullptr ? 0.0 : std::abs(bias[j]);
      for (int l = 0; l < k; ++l) {
        sum += std::abs(double{x[i * x_stride + l]} * w[std::int64_t{j} * k + l]);
      }
      sums.push_back(sum);
    }
  }
  return sums;
}

std::vector<double> layer_norm(const float* x, const float* residual, const float* gamma,
                               const float* beta, int rows, int cols, double eps) {
  std::vector<double> y;
  for (int i = 0; i < rows; ++i) {
    std::vector<double> s;
    for (int j = 0; j < cols; ++j) {
      const std::int64_t at = std::int64_t{i} * cols + j;
      // The sum is rounded to float: it is an output of its own, and the norm is that of this sum.
      s.push_back(residual == nullptr ? x[at] : static_cast<float>(double{x[at]} + residual[at]));
    }
    double mean = 0, variance = 0;
    for (const double v : s) mean += v / cols;
    for (const double v : s) variance += (v - mean) * (v - mean) / cols;
    for (int j = 0; j < cols; ++j) {
      y.push_back((s[j] - mean) / std::sqrt(variance + eps) * gamma[j] +
                  (beta == nullptr ? 0.0 : beta[j]));
    }
  }
  return y;
}

std::vector<double> attention(const float* qkv, const AttentionArgs& args) {
  const int length = args.length, head_dim = args.head_dim;
  const std::int64_t hidden = std::int64_t{args.heads} * head_dim, stride = 3 * hidden;
  std::vector<double> out(static_cast<std::size_t>(length * hidden));
  std::vector<double> weights(length);
  for (int head = 0; head < args.heads; ++head) {
    const float* q = qkv + std::int64_t{head} * head_dim;
    const float* k = q + hidden;
    const float* v = k + hidden;
    for (int i = 0; i < length; ++i) {
      const auto sees = [&](int j) { return std::abs(i - j) <= args.reach; };
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int j = 0; j < length; ++j) {
        if (!sees(j)) continue;
        double dot = args.bias == nullptr ? 0.0 : args.bias[head * args.bias_stride + j - i];
        for (int d = 0; d < head_dim; ++d) dot += double{q[i * stride + d]} * k[j * stride + d];
        weights[j] = dot * args.scale;
        largest = std::max(largest, weights[j]);
      }
      for (int j = 0; j < length; ++j)
        sum += weights[j] = sees(j) ? std::exp(weights[j] - largest) : 0;
      for (int j = 0; j < length; ++j) {
        if (!sees(j)) continue;
        for (int d = 0; d < head_dim; ++d) {
          out[i * hidden + head * head_dim + d] += weights[j] / sum * v[j * stride + d];
        }
      }
    }
  }
  return out;
}

std::vector<double> rotary(const RotaryArgs& args) {
  const int half = args.head_dim / 2;
  const std::int64_t hidden = std::int64_t{args.heads} * args.head_dim;
  std::vector<double> y(args.x, args.x + args.rows * 3 * hidden);
  for (int i = 0; i < args.rows; ++i) {
    const float* table = args.table + std::int64_t{args.positions[i]} * args.head_dim;
    for (std::int64_t head = 0; head < 2 * args.heads; ++head) {
      double* x = y.data() + i * 3 * hidden + head * args.head_dim;
      for (int d = 0; d < half; ++d) {
        const double low = x[d], high = x[half + d];
        x[d] = low * table[d] - high * table[half + d];
        x[half + d] = high * table[d] + low * table[half + d];
      }
    }
  }
  return y;
}

FffResult fff(const double* x, const double* in, const double* bias, const double* out, int rows,
              int cols, int trees, int depth) {
  const std::int64_t nodes = fff_nodes(depth);
  FffResult result{std::vector<double>(static_cast<std::size_t>(rows) * cols),
                   {},
                   {},
                   std::numeric_limits<double>::infinity()};
  for (int i = 0; i < rows; ++i) {
    for (int tree = 0; tree < trees; ++tree) {
      std::vector<std::int64_t> path;
      std::int64_t node = 0;
      for (int level = 0; level <= depth; ++level) {
        const std::int64_t index = tree * nodes + node;
        double z = bias[index];
        for (int j = 0; j < cols; ++j) z += x[std::int64_t{i} * cols + j] * in[index * cols + j];
        for (int j = 0; j < cols; ++j) {
          result.y[std::int64_t{i} * cols + j] += gelu(z) * out[index * cols + j];
        }
        // The last level decides nothing.
        if (level < depth) result.closest_decision = std::min(result.closest_decision, std::abs(z));
        path.push_back(node);
        result.gelu.push_back(gelu(z));
        node = 2 * node + 1 + (z > 0 ? 1 : 0);
      }
      result.path.push_back(std::move(path));
    }
  }
  return result;
}

}  // namespace sapwood::kernels::oracle
