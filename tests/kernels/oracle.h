// The same operations in double precision, written from the contracts in kernels.h and nothing
// else.
#pragma once

#include <cstdint>
#include <vector>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels::oracle {

double activate(double x, Activation activation);

// y [m, n] of x [m, k] (rows x_stride apart), w [n, k] row-major and bias [n] or null.
std::vector<double> linear(const float* x, std::int64_t x_stride, const float* w, const float* bias,
                           int m, int n, int k, Activation activation);

// sum_k |x[i, k] w[j, k]| + |bias[j]|: what rounding errors of a product are proportional to.
std::vector<double> linear_magnitude(const float* x, std::int64_t x_stride, const float* w,
                                     const float* bias, int m, int n, int k);

std::vector<double> layer_norm(const float* x, const float* residual, const float* gamma,
                               const float* beta, int rows, int cols, double eps);

// [length, heads * head_dim] of qkv as in AttentionArgs, all heads; of the arguments, shapes, scale, bias and reach count.
std::vector<double> attention(const float* qkv, const AttentionArgs& args);

// [rows, 3 * heads * head_dim] of x as in RotaryArgs.
std::vector<double> rotary(const RotaryArgs& args);

struct FffResult {
  std::vector<double> y;                        // [rows, cols]
  std::vector<std::vector<std::int64_t>> path;  // [rows * trees][depth + 1] nodes
  std::vector<double> gelu;                     // of the visits, [rows * trees * (depth + 1)]
  double closest_decision;  // least |z|: below rounding error, the path is a matter of luck
};

// x [rows, cols]; in and out [trees * nodes, cols]; bias [trees * nodes].
FffResult fff(const double* x, const double* in, const double* bias, const double* out, int rows,
              int cols, int trees, int depth);

}  // namespace sapwood::kernels::oracle
