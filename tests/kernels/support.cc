#include "support.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

namespace sapwood::kernels::test {
namespace {

constexpr unsigned char kFront = 0xa7;

}  // namespace

std::span<const KernelTable* const> tables() { return available_tables(); }

GuardedBytes::GuardedBytes(std::size_t bytes) {
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t body = (bytes + 2 * page - 1) / page * page;  // at least some canaries
  mapped_ = body + page;
  void* mapping =
      mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<std::byte*>(mapping);
  if (mprotect(mapping_ + body, page, PROT_NONE) != 0) throw std::bad_alloc();
  data_ = mapping_ + body - bytes;
  std::memset(mapping_, kFront, static_cast<std::size_t>(data_ - mapping_));
}

GuardedBytes::~GuardedBytes() { munmap(mapping_, mapped_); }

bool GuardedBytes::intact() const {
  for (const std::byte* p = mapping_; p != data_; ++p) {
    if (*p != std::byte{kFront}) return false;
  }
  return true;
}

void fill_canary(std::span<float> values) {
  for (float& value : values) value = std::bit_cast<float>(kCanary);
}

bool is_canary(float value) { return std::bit_cast<std::uint32_t>(value) == kCanary; }

void Random::fill(std::span<float> values, float scale) {
  std::normal_distribution<float> normal(0.0f, scale);
  for (float& value : values) value = normal(engine_);
}

std::ptrdiff_t first_difference(const float* a, const float* b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) {
      return static_cast<std::ptrdiff_t>(i);
    }
  }
  return -1;
}

double largest_difference(const float* a, const double* b, std::size_t n) {
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = a[i];
    if (x == b[i] || (std::isnan(x) && std::isnan(b[i]))) continue;
    const double difference = std::abs(x - b[i]);
    if (!(difference <= largest)) largest = difference;
    if (std::isnan(largest)) return std::numeric_limits<double>::infinity();
  }
  return largest;
}

}  // namespace sapwood::kernels::test
