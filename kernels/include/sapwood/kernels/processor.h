// Which kernels are fast on which processor: a table, and what a processor is.
//
// That a processor has an instruction does not mean that it is fast. A line of the table says for a family of
// processors which kernels it takes; it is found from the processor's identity alone, so that a machine always
// computes the same bits.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "sapwood/kernels/kernels.h"

namespace sapwood::kernels {

// What the CPU and the operating system offer.
struct CpuFeatures {
  bool avx2;         // AVX2, FMA and F16C, with ymm state saved by the operating system
  bool avx512;       // F, CD, BW, DQ and VL on top, with zmm and mask state saved
  bool avx2_vnni;    // AVX2 and AVX-VNNI
  bool avx512_vnni;  // AVX-512 and VNNI
  bool avx512_bf16;  // AVX-512, VNNI and BF16
  bool amx_int8;     // AMX tiles of int8, with their state saved; no table uses them
};

struct Processor {
  char vendor[13];  // of CPUID: "AuthenticAMD", "GenuineIntel", ...; empty where there is none
  int family, model;
  CpuFeatures features;
};

// The one that runs this, asked once.
const Processor& this_processor() noexcept;

// Whether it supports every instruction that the table of an instruction set uses.
bool supports(const CpuFeatures& features, Isa isa) noexcept;

// A line: the processors of a vendor and a range of families and models that have an instruction set. The first
// line that fits a processor is its own; the last ones fit any.
struct ProcessorLine {
  const char* name;               // "intel_avx512_bf16"
  const char* vendor;             // as Processor's; null: any
  int first_family, last_family;  // any: 0 to 2^30
  int model;                      // -1: any
  Isa has;                        // what it must support
  bool amx_int8;                  // must have, too
  const char* table;              // of its kernels: a name that select_table() takes
};

std::span<const ProcessorLine> processor_lines() noexcept;

// The line of a processor: a function of its argument alone.
const ProcessorLine& line_of(const Processor& processor) noexcept;

// Which instruction set's kernel a table takes for an operation.
struct KernelChoice {
  const char* operation;  // "linear_bf16"
  const char* set;        // "avx512"; null: none, the operation of floats serves instead
};

// Products, attention and CMM of every type.
std::array<KernelChoice, 8> kernel_choices(const KernelTable& table) noexcept;

// The instruction set whose kernel a table takes for an operation of kernel_choices(); of others the table's name.
const char* kernel_set(const KernelTable& table, std::string_view operation) noexcept;

}  // namespace sapwood::kernels
