#include "weights/placement.h"

#include <sys/mman.h>

#include <cstdlib>

#include "base/checked.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

Size checked(std::optional<Size> size) {
  if (!size)
    throw Error(ErrorCode::mismatch, "config.json: the sizes it names need more than 2^63 bytes");
  return *size;
}

std::shared_ptr<std::byte> allocate(Size bytes) {
  // Large pages where the system gives them: a forward pass streams through all weights.
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const auto size = static_cast<std::size_t>(checked(align_up(bytes, kHugePage)).get());
  void* memory = std::aligned_alloc(kHugePage, size);
  if (memory == nullptr) {
    throw Error(ErrorCode::out_of_memory,
                "cannot allocate " + std::to_string(size) + " bytes for the weights");
  }
  madvise(memory, size, MADV_HUGEPAGE);  // advice only: nothing depends on it
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

}  // namespace

std::int64_t elements(const std::vector<std::int64_t>& shape) {
  return checked(checked_product(shape)).get();
}

std::int64_t packed_bytes(const PackedSpec& spec) {
  const Size elements = checked(checked_product(spec.shape));
  return checked(checked_mul(elements, *Size::of(dtype_size(spec.dtype)))).get();
}

std::shared_ptr<std::byte> place(std::map<std::string, PackedTensor>& tensors) {
  Size total;
  std::vector<std::int64_t> offsets;
  for (const auto& [name, tensor] : tensors) {
    offsets.push_back(total.get());
    const Size bytes = checked(Size::of(tensor.bytes));
    total = checked(checked_add(total, checked(align_up(bytes, kernels::kAlignment))));
  }
  std::shared_ptr<std::byte> buffer = allocate(total);
  auto offset = offsets.begin();
  for (auto& [name, tensor] : tensors) tensor.data = buffer.get() + *offset++;
  return buffer;
}

}  // namespace sapwood
