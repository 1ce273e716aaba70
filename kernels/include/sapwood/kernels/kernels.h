// The contracts of all compute kernels, and the table of their implementations per instruction set.
//
// Conventions of every kernel:
//  - noexcept, no allocation, no global state: scratch memory comes from the caller.
//  - A product has m rows (tokens), n columns (outputs: the rows of PyTorch's weight) and depth k (inputs).
//  - Matrices are row-major; a stride is the distance between two rows in elements.
//  - Pointers to packed weights are 64-byte aligned; activations need no alignment.
//  - Determinism: what is computed for a row (token) depends on that row alone (for attention: on
//  its
//    sequence alone), never on the number of rows, their order or the split over threads. So a
//    product accumulates over k = 0..K-1 in one order for every m, and CMM sums a path in one
//    order.
//
// STYLE: a kernel is added in one known way, described in kernels/README.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sapwood::kernels {

// Each instruction set runs what the ones before it in its family compute, and replaces the kernels
// that its extension makes faster: avx2_vnni (AVX-VNNI) and avx512_vnni those of int8, avx512_bf16
// (which implies VNNI) those of bf16 too.
enum class Isa : std::uint8_t { scalar, avx2, avx2_vnni, avx512, avx512_vnni, avx512_bf16 };

// The type of a product's weights. Its activations come to match: float, bf16, or u8 with a scale
// and a zero point for each row (RowScale).
enum class DType : std::uint8_t { f32, bf16, int8 };

// A bfloat16: the upper half of a float.
using Bf16 = std::uint16_t;

// What a row of u8 activations stands for: scale * (q - zero).
struct RowScale {
  float scale;
  std::int32_t zero;  // 0 to 255
};

// Elements of one type that share a 32-bit word. A product of any type reads its activations word
// by word, and its weights in lines of 16 words, one for each column of a panel.
constexpr int elements_per_word(DType type) noexcept {
  return type == DType::f32 ? 1 : type == DType::bf16 ? 2 : 4;
}

// Columns of a packed panel. Sixteen suits every instruction set: one zmm or two ymm of floats.
inline constexpr int kPanelWidth = 16;
// Packed tensors and arena buffers are aligned to this many bytes (a cache line, a zmm).
inline constexpr int kAlignment = 64;

constexpr std::int64_t round_up(std::int64_t n, std::int64_t multiple) noexcept {
  return (n + multiple - 1) / multiple * multiple;
}

// Element-wise functions fused into a product's epilogue.
enum class Activation : std::uint8_t {
  none,
  gelu,       // x/2 (1 + erf(x / sqrt 2))
  gelu_tanh,  // the tanh approximation ("gelu_new", "gelu_pytorch_tanh")
  relu,
  tanh,
  silu,        // x / (1 + exp(-x)) ("swish")
  quick_gelu,  // x / (1 + exp(-1.702 x))
  gelu_10,     // gelu, at most 10
};

// y[i, j] = act(sum_k x[i, k] w[j, k] + bias[j]) for i in [0, m) and the columns j of the panels
// [panel_begin, panel_end).
//
//  f32:  each sum is an FMA chain over ascending k that starts from zero (the scalar table
//  multiplies and
//        adds separately).
//  bf16: the same chain, of products of widened elements; with AVX-512 BF16 the chain of VDPBF16PS,
//  which
//        adds two products at a time.
//  int8: the sum of integers is exact, the same on every instruction set:
//        y = act(float(sum_k q[i, k] w[j, k] - zero[i] sum_k w[j, k]) * (scale[i] * scales[j]) +
//        bias[j]).
//
// x is padded to whole words: round_up(k, elements_per_word) elements a row, the padding being zero
// for bf16 and anything for int8.
struct LinearArgs {
  const void* x;             // [m, k] of float, Bf16 or u8
  std::int64_t x_stride;     // elements, whole words
  const RowScale* x_scales;  // [m], int8 only
  const void* panels;   // packed weights: [ceil(n/16)][words of k][16 words], zeros beyond n and k
  const float* scales;  // [ceil(n/16)*16], int8 only: of the columns
  const std::int32_t* sums;  // [ceil(n/16)*16], int8 only: sum_k w[j, k]
  const float* bias;         // [ceil(n/16)*16] or null
  void* y;                   // [m, n]; must not alias x (partial sums may wait in it)
  std::int64_t y_stride;     // elements
  DType y_type;              // f32 or bf16
  int m, n, k;
  Activation activation;
  void* scratch;               // linear_scratch(type of the weights) bytes, 64-byte aligned
  int panel_begin, panel_end;  // 0 <= panel_begin <= panel_end <= ceil(n/16)
};

// Largest k of an int8 product: 255 * 127 * k must fit 31 bits.
inline constexpr int kMostInt8Depth = 65536;
// Largest k of a bf16 product: a row of floats must fit the scratch memory.
inline constexpr int kMostBf16Depth = 98304;

// Bytes of scratch that one call of a product needs, the same for every instruction set; 0: none.
std::size_t linear_scratch(DType type) noexcept;

// q[i, j] = round(x[i, j] / scale[i]) + zero[i], clamped to 0..255, where 0 and 255 stand for the
// least and the largest of the row's elements and zero itself: scale = (max - min) / 255, zero =
// round(-min / scale). Rounding is to nearest even; the same bits on every instruction set. A row
// with a NaN or an infinity gets a NaN scale. Padding up to a whole word is written as 0.
// With an activation all this is said of activation(x), which is written to `activated`.
struct QuantizeArgs {
  const float* x;  // [rows, cols], row stride cols
  std::uint8_t* q;
  std::int64_t q_stride;
  RowScale* scales;  // [rows]
  int rows, cols;
  Activation activation = Activation::none;
  float* activated = nullptr;  // [rows, cols], with an activation only; may be x itself
};

// y[i, j] = x[i, j] rounded to nearest even; NaN stays NaN. Padding up to a whole word is written
// as 0.
struct ToBf16Args {
  const float* x;  // [rows, cols], row stride cols
  Bf16* y;
  std::int64_t y_stride;
  int rows, cols;
};

// s = x + residual (s = x where residual is null); y = (s - mean(s)) / sqrt(var(s) + eps) * gamma +
// beta per row, with the biased variance, mean and variance in two passes. Writes s to `sum` where
// it is not null (the residual stream of pre-norm blocks). y or sum may alias x or residual row for
// row; y and sum must not alias each other. Where q is not null, y is quantized besides, as by `quantize`: the same bits.
struct LayerNormArgs {
  const float* x;         // [rows, cols]
  const float* residual;  // [rows, cols] or null
  const float* gamma;     // [cols]
  const float* beta;      // [cols] or null
  float* y;               // [rows, cols] or null: only the sum is wanted
  float* sum;             // [rows, cols] or null
  int rows, cols;
  float eps;
  std::uint8_t* q = nullptr;  // [rows, cols] or null; wants y
  std::int64_t q_stride = 0;
  RowScale* scales = nullptr;  // [rows], with q
};

// y[i] = word[ids[i]] + position[positions[i]] (+ type[types[i]]), each an added row of `cols`
// numbers; a row of s8 words is multiplied by its scale first. Indices are valid: the engine checks
// them before.
struct EmbeddingArgs {
  const std::int32_t* ids;        // [rows]
  const std::int32_t* positions;  // [rows]
  const std::int32_t* types;      // [rows] or null with type == null
  const void* word;               // [vocabulary, cols] of word_type: float, Bf16 or s8
  DType word_type;
  const float* word_scales;  // [vocabulary], int8 only
  bool word_panels;          // word is packed as LinearArgs::panels: a decoder's weights too
  const float* position;     // [positions, cols] or null: no position embedding
  const float* type;         // [types, cols] or null
  float* y;                  // [rows, cols]
  int rows, cols;
};

// How many distances a table of biases has for each head, for sequences of at most this length: AttentionArgs::bias stands
// at its place length - 1.
constexpr std::int64_t attention_distances(std::int64_t length) noexcept {
  return length - 1 + round_up(length, kPanelWidth);
}

// AttentionArgs::reach where every query sees every key.
inline constexpr int kWholeSequence = 1 << 30;

// Softmax attention of one sequence, the heads [head_begin, head_end):
// out[i, h] = sum_j softmax_j(scale * (q[i, h] . k[j, h] + bias[h, j - i])) v[j, h] over the keys j with |i - j| <= reach.
// Row i of qkv is [q of all heads | k of all heads | v of all heads], 3 * heads * head_dim numbers.
//
// A score is a chain over ascending elements of q and k that starts from the bias, or from zero. With a reach the time grows
// with length * reach.
//
// attention_f32 takes floats and writes floats. attention_bf16 takes Bf16, head_dim even; scores,
// maxima and sums are floats, exp(...) is rounded to bf16 before it multiplies the values.
struct AttentionArgs {
  const void* qkv;  // [length, 3 * heads * head_dim]
  void* out;        // [length, heads * head_dim] of out_type
  DType out_type;   // f32; attention_bf16 also writes bf16
  float* scratch;   // attention_scratch(length, head_dim) floats, 64-byte aligned
  int length, heads, head_dim;
  int head_begin, head_end;
  float scale;  // 1 / sqrt(head_dim) in every model here
  // Null, or the bias of head 0 at distance 0: that of head h and distance j - i is bias[h * bias_stride + j - i]. Distances
  // from 1 - length to round_up(length, 16) - 1 can be read.
  const float* bias = nullptr;
  std::int64_t bias_stride = 0;
  int reach = kWholeSequence;  // at least 0
};

// Floats of scratch that one call of the attention kernel needs, the same for every instruction
// set.
std::size_t attention_scratch(int length, int head_dim) noexcept;

// Rotary position embedding (arXiv 2104.09864, section 3.2; the halves of a head are paired as in GPT-NeoX): of each
// query and key x of head_dim numbers, with half = head_dim / 2,
//   y[d] = x[d] cos(p f[d]) - x[half + d] sin(p f[d]),  y[half + d] = x[half + d] cos(p f[d]) + x[d] sin(p f[d])
// for d < half, p = positions[i]. Values are copied. y may be x itself where it is f32.
struct RotaryArgs {
  const float* x;  // [rows, 3 * heads * head_dim], as AttentionArgs::qkv
  void* y;         // the same of y_type: f32 or bf16
  DType y_type;
  const std::int32_t* positions;  // [rows]
  const float* table;  // [positions, head_dim]: the cosines of p f, and behind them its sines
  int rows, heads, head_dim;  // head_dim even
};

// y[i, j] = activation(x[i, j]) * x[i, cols + j]: a gated feedforward (arXiv 2002.05202) between its products.
struct GluArgs {
  const float* x;  // [rows, 2 * cols]
  float* y;        // [rows, cols], row stride cols
  int rows, cols;
  Activation activation;
};

enum class Pooling : std::uint8_t { mean, cls, max };

// One vector from the rows of one sequence. mean sums in row order and divides once.
struct PoolArgs {
  const float* x;  // [rows, cols], rows >= 1
  float* y;        // [cols]
  int rows, cols;
  Pooling pooling;
};

// A node's numbers.
struct FffNode {
  float bias;       // of the decision
  float in_scale;   // int8 input row: what a unit of it stands for; else 1
  float out_scale;  // int8 output row: likewise
  float in_sum;     // int8 input row: the sum of its elements, an exact integer; else 0
};

// Fast feedforward by conditional matrix multiplication (arXiv 2311.10770, section 3; the decision
// is z > 0 as in training/cramming/architectures/fff.py of the authors' code). For each row:
//   y = residual (or 0)
//   for each tree in order: n = 0; repeat depth + 1 times:
//     z = w_in[n] . x + bias[n]; y += gelu(z) * w_out[n]; n = 2n + 1 + (z > 0)
// Nodes off the path are never used, and read only in those levels of several trees that have no more nodes than rows.
//
//  decisions: f32 and bf16: z = dot + bias; the order of the dot's sum is the table's own
//  (README.md,
//             Determinism). int8: z = float(sum_k q[k] w[k] - zero * in_sum) * (scale * in_scale) +
//             bias with exact integers, the same bits, so the same path, on every instruction set.
//  output:    f32 and bf16: each element of y is one FMA chain (the scalar table multiplies and
//             adds separately) of gelu(z) * out_scale times the widened output row, from the root
//             down, tree by tree, that starts from the residual or zero. It may wait in y.
//             int8: the weights gelu(z) * out_scale of fff_trees_together(depth) trees at a time
//             become integers, q = round(weight * (255 / largest)) with the largest magnitude among
//             them, to nearest even; y = fma(float(sum of q times the rows' elements),
//             largest / 255, y). All q are 0 where that is less than 1e-30; y is NaN where a weight
//             is not finite. gelu is the same operations on every instruction set: so int8 with
//             int8 gives the same bits everywhere.
//
// out_type is no finer than decision_type: f32 with any, bf16 with bf16 or int8, int8 with int8.
struct FffArgs {
  const void* x;          // [rows, cols] of decision_type: float, Bf16 or u8, padded as for linear
  std::int64_t x_stride;  // elements, whole words
  const RowScale* x_scales;  // [rows], int8 decisions only
  const float* residual;     // [rows, cols] or null; may be y itself
  std::int64_t residual_stride;
  // [trees][nodes] in heap order of {input row of decision_type, output row of out_type}, each row padded
  // with zeros to a multiple of 64 bytes; nodes = 2^(depth+1) - 1.
  const void* nodes;
  const FffNode* params;  // [trees][nodes]
  float* y;               // [rows, cols]; must not alias x
  std::int64_t y_stride;
  void* scratch;     // fff_scratch(rows, depth) bytes, 64-byte aligned
  int rows, cols;    // input and output width are the same in every model here
  int trees, depth;  // trees >= 1, 0 <= depth <= 24
  DType decision_type, out_type;
};

// Bytes of a row of nodes, and of a node.
constexpr std::int64_t fff_row_bytes(std::int64_t cols, DType type) noexcept {
  return round_up(cols * 4 / elements_per_word(type), kAlignment);
}
constexpr std::int64_t fff_node_bytes(std::int64_t cols, DType decision_type,
                                      DType out_type) noexcept {
  return fff_row_bytes(cols, decision_type) + fff_row_bytes(cols, out_type);
}

// Bytes of scratch that one call of the fff kernel needs, the same for every instruction set.
std::size_t fff_scratch(int rows, int depth) noexcept;

// Nodes of a tree of this depth (the depth of a single node is 0).
constexpr std::int64_t fff_nodes(int depth) noexcept { return (std::int64_t{2} << depth) - 1; }

// Nodes on a row's paths through trees that are computed together, at most.
inline constexpr int kMostFffVisits = 128;

// How many trees' int8 output rows share one scale of their weights: deep trees have one each.
constexpr int fff_trees_together(int depth) noexcept {
  constexpr int kMost = 32, kDeep = 10;
  if (depth >= kDeep) return 1;
  return kMostFffVisits / (depth + 1) < kMost ? kMostFffVisits / (depth + 1) : kMost;
}

// Every kernel and its arguments: the one list. A kernel that not every instruction set has is null in the tables of
// the others.
#define SAPWOOD_KERNELS(X)                               \
  X(linear_f32, LinearArgs)                              \
  X(linear_bf16, LinearArgs)                             \
  X(linear_int8, LinearArgs)                             \
  X(quantize, QuantizeArgs)                              \
  X(to_bf16, ToBf16Args)                                 \
  X(layer_norm, LayerNormArgs)                           \
  X(embedding, EmbeddingArgs)                            \
  X(attention_f32, AttentionArgs)                        \
  X(rotary, RotaryArgs)                                  \
  X(glu, GluArgs)                                        \
  X(pool, PoolArgs)                                      \
  X(fff_f32, FffArgs) /* by the type of the decisions */ \
  X(fff_bf16, FffArgs)                                   \
  X(fff_int8, FffArgs)
#define SAPWOOD_OPTIONAL_KERNELS(X) \
  X(attention_bf16, AttentionArgs) /* where the processor multiplies bf16 */

// One implementation of every kernel. Tables are constant; they are chosen once and passed by
// reference.
struct KernelTable {
  Isa isa;
  const char*
      name;  // "scalar", "avx2", "avx2_vnni", "avx512", "avx512_vnni", "avx512_bf16"; "avx512_intel"
#define SAPWOOD_KERNEL_FIELD(kernel, Args) void (*kernel)(const Args&) noexcept;
  SAPWOOD_KERNELS(SAPWOOD_KERNEL_FIELD)
  SAPWOOD_OPTIONAL_KERNELS(SAPWOOD_KERNEL_FIELD)
#undef SAPWOOD_KERNEL_FIELD
};

}  // namespace sapwood::kernels
