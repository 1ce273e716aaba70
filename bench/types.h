// Numbers in the types of the kernels (kernels.h, DType): weights packed, activations narrowed.
#pragma once

#include <string>
#include <vector>

#include "common.h"
#include "sapwood/kernels/dispatch.h"

namespace sapwood::bench {

inline constexpr kernels::DType kTypes[] = {kernels::DType::f32, kernels::DType::bf16,
                                            kernels::DType::int8};
const char* name_of(kernels::DType type);

inline double element_bytes(kernels::DType type) { return 4.0 / kernels::elements_per_word(type); }
// Floats whose memory holds so many elements.
std::size_t floats_of(std::int64_t elements, kernels::DType type);

// Packed weights of one of our products.
struct Panels {
  Buffer weights;
  std::vector<float> scales;       // int8
  std::vector<std::int32_t> sums;  // int8
};
Panels pack(kernels::DType type, const float* w, std::int64_t n, std::int64_t k);

// Rows of floats, and where they go in the type of a product's activations; `scales` for int8.
struct Narrowing {
  const float* x;  // [rows, cols]
  int rows, cols;
  void* to;
  kernels::RowScale* scales;
};
void narrow(const kernels::KernelTable& table, kernels::DType type, const Narrowing& n);

// The tables of this processor that have a kernel of their own, best first: an extension replaces
// only what it makes faster.
template <typename Kernel>
std::vector<const kernels::KernelTable*> tables_with_own(Kernel kernels::KernelTable::*kernel) {
  std::vector<const kernels::KernelTable*> tables;
  const auto all = kernels::available_tables();
  for (auto table = all.begin(); table != all.end(); ++table) {
    bool lesser_has_it = (*table)->*kernel == nullptr;
    for (auto lesser = table + 1; lesser != all.end(); ++lesser) {
      lesser_has_it |= (*lesser)->*kernel == (*table)->*kernel;
    }
    if (!lesser_has_it) tables.push_back(*table);
  }
  return tables;
}

// A table's name as a word of a benchmark's name, whose words are joined by "_".
std::string word_of(const kernels::KernelTable& table);

// The table's product and CMM of a type.
void linear(const kernels::KernelTable& table, kernels::DType type, kernels::LinearArgs a);
void fff(const kernels::KernelTable& table, kernels::DType type, const kernels::FffArgs& a);

}  // namespace sapwood::bench
