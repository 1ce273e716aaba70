#include "types.h"

#include <algorithm>
#include <cstring>

#include "sapwood/kernels/pack.h"

namespace sapwood::bench {

using namespace kernels;

const char* name_of(DType type) {
  return type == DType::f32 ? "f32" : type == DType::bf16 ? "bf16" : "int8";
}

std::size_t floats_of(std::int64_t elements, DType type) {
  return static_cast<std::size_t>(round_up(elements, elements_per_word(type)) /
                                  elements_per_word(type));
}

Panels pack(DType type, const float* w, std::int64_t n, std::int64_t k) {
  Panels p{Buffer(floats_of(packed_linear_size(n, k, type), type)), {}, {}};
  void* to = p.weights.data();
  if (type == DType::f32) pack_linear(w, n, k, static_cast<float*>(to));
  if (type == DType::bf16) pack_linear_bf16(w, n, k, static_cast<Bf16*>(to));
  if (type == DType::int8) {
    p.scales.resize(round_up(n, kPanelWidth));
    p.sums.resize(round_up(n, kPanelWidth));
    pack_linear_int8(w, n, k, static_cast<std::int8_t*>(to), p.scales.data(), p.sums.data());
  }
  return p;
}

void narrow(const KernelTable& table, DType type, const Narrowing& n) {
  if (type == DType::f32) std::memcpy(n.to, n.x, sizeof(float) * n.rows * n.cols);
  if (type == DType::bf16) table.to_bf16({n.x, static_cast<Bf16*>(n.to), n.cols, n.rows, n.cols});
  if (type == DType::int8) {
    table.quantize({n.x, static_cast<std::uint8_t*>(n.to), n.cols, n.scales, n.rows, n.cols});
  }
}

std::string word_of(const KernelTable& table) {
  std::string name = table.name;
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

void linear(const KernelTable& table, DType type, LinearArgs a) {
  static Buffer scratch(std::max(linear_scratch(DType::int8), linear_scratch(DType::bf16)) /
                        sizeof(float));
  a.scratch = scratch.data();
  (type == DType::f32    ? table.linear_f32
   : type == DType::bf16 ? table.linear_bf16
                         : table.linear_int8)(a);
}

void fff(const KernelTable& table, DType type, const FffArgs& a) {
  (type == DType::f32 ? table.fff_f32 : type == DType::bf16 ? table.fff_bf16 : table.fff_int8)(a);
}

}  // namespace sapwood::bench
