// From hidden states to vectors, and their lengths and angles.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "sapwood/config.h"

namespace sapwood::tasks {

inline constexpr double kSmallestNorm = 1e-12;  // torch.nn.functional.normalize's eps

// Whether none is a NaN or an infinity. Without a branch and several at once, so that it costs little beside what made them.
inline bool all_finite(std::span<const float> values) {
  constexpr std::size_t kAtOnce = 16;
  const auto is_none = [](float value) -> std::uint32_t {
    constexpr std::uint32_t kExponent = 0x7F800000;  // all ones: no number
    return (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1 : 0;
  };
  std::uint32_t any[kAtOnce] = {};
  std::size_t i = 0;
  for (; i + kAtOnce <= values.size(); i += kAtOnce) {
    for (std::size_t j = 0; j < kAtOnce; ++j) any[j] |= is_none(values[i + j]);
  }
  for (; i < values.size(); ++i) any[0] |= is_none(values[i]);
  return std::all_of(any, any + kAtOnce, [](std::uint32_t each) { return each == 0; });
}

inline double norm(std::span<const float> x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

// x / max(|x|, 1e-12).
inline void normalize(std::span<float> x) {
  const double length = std::max(norm(x), kSmallestNorm);
  for (float& value : x) value = static_cast<float>(value / length);
}

// Cosine of the angle between two vectors of one length; 0 where one of them is zero.
inline float cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(dot /
                            (std::max(norm(a), kSmallestNorm) * std::max(norm(b), kSmallestNorm)));
}

inline float dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(sum);
}

inline float euclidean_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return static_cast<float>(std::sqrt(sum));
}

inline float manhattan_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - b[i]);
  return static_cast<float>(sum);
}

// More is nearer.
inline float similarity(Similarity by, std::span<const float> a, std::span<const float> b) {
  switch (by) {
    case Similarity::cosine:
      break;
    case Similarity::dot:
      return dot(a, b);
    case Similarity::euclidean:
      return -euclidean_distance(a, b);
    case Similarity::manhattan:
      return -manhattan_distance(a, b);
  }
  return cosine(a, b);
}

}  // namespace sapwood::tasks
