// How a model is computed: on which instruction set, with weights of which type, by whom.
#pragma once

#include <cstdint>

#include "sapwood/export.h"
#include "sapwood/names.h"

namespace sapwood {

// The kernels: those of an instruction set, or `avx512_intel`, what Intel's processors with AVX-512 BF16 take of
// several. `automatic` ("auto"): what is fastest on this processor by a table of processors (kernels/README.md), or what
// the environment variable SAPWOOD_ISA names.
enum class Isa : std::uint8_t {
  automatic,
  scalar,
  avx2,
  avx2_vnni,
  avx512,
  avx512_vnni,
  avx512_bf16,
  avx512_intel,
};

// The type of the weights that products read. What `automatic` ("auto") means stands where an option
// has this type.
enum class WeightType : std::uint8_t { automatic, f32, bf16, int8 };

// Who computes dense products. `automatic` ("auto"): oneDNN where it has int8 matrices (AMX), because
// the integer sums are exact whoever makes them; our kernels for everything else.
enum class DenseProducts : std::uint8_t { automatic, native, onednn };

SAPWOOD_API EnumNames names_of(Isa) noexcept;
SAPWOOD_API EnumNames names_of(WeightType) noexcept;
SAPWOOD_API EnumNames names_of(DenseProducts) noexcept;

}  // namespace sapwood
