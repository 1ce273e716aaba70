// What a graph can compute: a small struct for each operation, which holds the arguments of its kernel (kernels.h) but
// for the rows of a run. Each operation's run() and describe() stand together in run/ops/.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "graph/values.h"
#include "onednn/onednn_product.h"
#include "sapwood/kernels/kernels.h"

namespace sapwood {

struct Running;  // run/running.h: the batch, the memory and the threads of one run

// What is shown of an operation. Figures are for one row of its output.
struct OpDescription {
  std::string op;      // "linear"
  std::string kernel;  // "linear_f32_avx512"
  std::string epilogue = {};
  kernels::DType type = kernels::DType::f32;
  std::int64_t ops = 0;  // multiply-adds count as two; attention without what grows with length
  std::int64_t weight_bytes =
      -1;  // of the weights that the row touches; -1: of all that the node has
};

// The values that an operation touches; kNoValue where there is none.
struct ValueUses {
  std::array<ValueId, 2> reads = {kNoValue, kNoValue};
  std::array<ValueId, 3> writes = {kNoValue, kNoValue, kNoValue};
  ValueId scratch = kNoValue;
};

// A weight of any type, and what goes with int8.
struct TypedWeight {
  const void* data = nullptr;
  kernels::DType type = kernels::DType::f32;
  const float* scales = nullptr;       // of a product's columns, or of a table's rows
  const std::int32_t* sums = nullptr;  // of a product's columns
};

// y = word[ids] + position[positions] + type[types]
struct EmbeddingOp {
  ValueId y = kNoValue;
  TypedWeight word = {};
  bool word_panels = false;  // the word embedding is packed as a product's weights: the decoder's
  const float* position = nullptr;    // null: the model has none
  const float* token_type = nullptr;  // likewise
  int cols = 0;

  ValueUses uses() const { return {.writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// sum = x + residual, y = norm(sum), q = y as u8
struct LayerNormOp {
  ValueId x = kNoValue, residual = kNoValue;
  ValueId y = kNoValue, sum = kNoValue;  // either may be missing
  ValueId q = kNoValue;                  // may be missing
  const float* gamma = nullptr;
  const float* beta = nullptr;
  int cols = 0;
  float eps = 0;

  ValueUses uses() const { return {.reads = {x, residual}, .writes = {y, sum, q}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y [n] = activation(weight [n, k] * x [k] + bias)
struct LinearOp {
  ValueId x = kNoValue, y = kNoValue;
  TypedWeight weight = {};
  const float* bias = nullptr;
  int n = 0, k = 0;
  kernels::Activation activation = kernels::Activation::none;
  const OnednnProduct* onednn = nullptr;  // what computes it instead of the kernel

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// Turns the queries and keys of rows of [query | key | value] by their positions; y may be x itself.
struct RotaryOp {
  ValueId x = kNoValue, y = kNoValue;
  const float* table = nullptr;
  int heads = 1, head_dim = 0;

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// Softmax attention over rows of [query | key | value].
struct AttentionOp {
  ValueId x = kNoValue, y = kNoValue, scratch = kNoValue;
  kernels::DType type = kernels::DType::f32;  // of x: f32 or bf16
  int heads = 1, head_dim = 0;
  float scale = 1;
  const float* bias = nullptr;  // at distance 0, or null (kernels::AttentionArgs)
  std::int64_t bias_stride = 0;
  int reach = kernels::kWholeSequence;

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}, .scratch = scratch}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y = activation(a) * b with x = [a | b]
struct GluOp {
  ValueId x = kNoValue, y = kNoValue;
  int cols = 0;  // of y
  kernels::Activation activation = kernels::Activation::gelu;

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y = residual + what the trees add
struct FffOp {
  ValueId x = kNoValue, residual = kNoValue, y = kNoValue, scratch = kNoValue;
  const void* nodes = nullptr;
  const kernels::FffNode* params = nullptr;
  kernels::DType decision_type = kernels::DType::f32;  // of the rows that it decides by
  kernels::DType out_type = kernels::DType::f32;       // of the rows that it adds
  int cols = 0, trees = 0, depth = 0;

  ValueUses uses() const { return {.reads = {x, residual}, .writes = {y}, .scratch = scratch}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y is x, or activation(x), in the type that the next product reads.
struct NarrowOp {
  ValueId x = kNoValue, y = kNoValue;
  kernels::DType type = kernels::DType::bf16;  // bf16 or int8
  int cols = 0;
  kernels::Activation activation = kernels::Activation::none;  // int8 only; x becomes activation(x)

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y [sequences, cols] is the first token's row of each sequence.
struct FirstRowOp {
  ValueId x = kNoValue, y = kNoValue;
  int cols = 0;

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y [selected, cols] are the rows that a masked-LM head answers for.
struct SelectedRowsOp {
  ValueId x = kNoValue, y = kNoValue;
  int cols = 0;

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

// y [sequences, cols] is one row made of each sequence's.
struct PoolOp {
  ValueId x = kNoValue, y = kNoValue;
  kernels::Pooling pooling = kernels::Pooling::mean;
  int cols = 0;

  ValueUses uses() const { return {.reads = {x, kNoValue}, .writes = {y}}; }
  void run(const Running& running) const noexcept;
  OpDescription describe(const kernels::KernelTable& kernels) const;
};

using Op = std::variant<EmbeddingOp, LayerNormOp, LinearOp, RotaryOp, AttentionOp, GluOp, FffOp,
                        NarrowOp, FirstRowOp, SelectedRowsOp, PoolOp>;

struct Node {
  std::string name;
  Op op;
  std::int64_t weight_bytes = 0;

  ValueUses uses() const {
    return std::visit([](const auto& it) { return it.uses(); }, op);
  }
  void run(const Running& running) const noexcept {
    std::visit([&](const auto& it) { it.run(running); }, op);
  }
  OpDescription describe(const kernels::KernelTable& kernels) const {
    return std::visit([&](const auto& it) { return it.describe(kernels); }, op);
  }
};

}  // namespace sapwood
