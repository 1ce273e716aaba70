// Memory that notices wrong accesses, random numbers, and the tables under test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "sapwood/kernels/dispatch.h"

namespace sapwood::kernels::test {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The tables this CPU can run. What it cannot run is named by the test case "every instruction
// set".
std::span<const KernelTable* const> tables();

// n elements that end exactly where an inaccessible page begins, with canaries in front: reading or
// writing beyond the end stops the test program, writing before the beginning is found by intact().
// 64-byte aligned where n elements are a multiple of 64 bytes, as packed weights are.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t bytes);
  ~GuardedBytes();
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  std::byte* data() const { return data_; }
  bool intact() const;

 private:
  std::byte* mapping_;
  std::size_t mapped_;
  std::byte* data_;
};

class Floats {
 public:
  explicit Floats(std::size_t n) : bytes_(n * sizeof(float)), n_(n) {}
  float* data() { return reinterpret_cast<float*>(bytes_.data()); }
  const float* data() const { return reinterpret_cast<const float*>(bytes_.data()); }
  float& operator[](std::size_t i) { return data()[i]; }
  float operator[](std::size_t i) const { return data()[i]; }
  std::size_t size() const { return n_; }
  float* begin() { return data(); }
  float* end() { return data() + n_; }
  const float* begin() const { return data(); }
  const float* end() const { return data() + n_; }
  bool intact() const { return bytes_.intact(); }

 private:
  GuardedBytes bytes_;
  std::size_t n_;
};

// A value that no kernel computes, to find what was written; compare with is_canary.
inline constexpr std::uint32_t kCanary = 0x7fa5c0de;
void fill_canary(std::span<float> values);
bool is_canary(float value);

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  void fill(std::span<float> values, float scale = 1.0f);  // normal
  std::int32_t below(std::int32_t n) {
    return std::uniform_int_distribution<std::int32_t>(0, n - 1)(engine_);
  }
  std::mt19937& engine() { return engine_; }

 private:
  std::mt19937 engine_;
};

// Index of the first element whose bits differ, or -1. NaNs of equal bits are equal.
std::ptrdiff_t first_difference(const float* a, const float* b, std::size_t n);

// The largest |a - b| over n elements, infinite where one is NaN or infinite and the other is not
// it.
double largest_difference(const float* a, const double* b, std::size_t n);

}  // namespace sapwood::kernels::test
