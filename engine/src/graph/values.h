// The values of a graph and where they stand in a run's memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sapwood/kernels/kernels.h"

namespace sapwood {

// What a value has one row for.
enum class RowKind : std::uint8_t { tokens, sequences, selected };

// The most rows of each kind that one run may have, and what scratch memory depends on: what the
// memory of a session is made for.
struct Capacity {
  int tokens = 0;
  int sequences = 0;
  int selected = 0;
  int length = 0;   // tokens of the longest sequence
  int threads = 1;  // each has its own scratch
};

using ValueId = int;
inline constexpr ValueId kNoValue = -1;

// Memory that lives for one node, a part for each thread, instead of rows.
enum class Scratch : std::uint8_t { none, attention, fff };

struct Value {
  std::string name;
  RowKind rows = RowKind::tokens;
  int cols = 0;  // numbers a row; of scratch: the head's size (attention), the depth (fff)
  // Of the numbers: float, bf16, or u8 whose scales (kernels::RowScale) stand behind all rows.
  kernels::DType type = kernels::DType::f32;
  Scratch scratch = Scratch::none;
  int first_node = 0, last_node = 0;  // lifetime, inclusive
};

// Where a value stands in an arena, in bytes.
struct Placement {
  std::int64_t bytes = 0;  // at full capacity
  std::int64_t scales =
      0;  // u8: from the value's start to its scales; scratch: of one thread's part
  std::int64_t offset = 0;  // from the arena's start
};

struct ArenaPlan {
  std::vector<Placement> placements;  // one a value
  std::int64_t bytes = 0;
};

// Numbers from one row to the next: whole words.
constexpr std::int64_t row_stride(const Value& value) {
  return kernels::round_up(value.cols, kernels::elements_per_word(value.type));
}

// Bytes from one row to the next.
constexpr std::int64_t row_stride_bytes(const Value& value) {
  return row_stride(value) / kernels::elements_per_word(value.type) * 4;
}

// The values' sizes at a capacity, and offsets such that values alive at the same node never overlap.
// Largest first, each at the lowest offset that is free over its lifetime.
ArenaPlan plan_arena(const std::vector<Value>& values, const Capacity& capacity);

// The offsets alone, for sizes that are there already (Placement::bytes).
void place_values(const std::vector<Value>& values, ArenaPlan& plan);

// Rows of a layer of trees that one thread computes at once, which its scratch memory is made for.
constexpr int fff_rows(const Capacity& capacity) {
  return (capacity.tokens + capacity.threads - 1) / capacity.threads;
}

}  // namespace sapwood
