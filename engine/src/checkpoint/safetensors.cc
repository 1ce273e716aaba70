#include "checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/quote.h"
#include "checkpoint/file_kind.h"
#include "checkpoint/safetensors_header.h"
#include "checkpoint/shard_index.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

[[noreturn]] void fail(const std::string& label, const std::string& what) {
  throw Error(ErrorCode::malformed, label + ": " + what);
}

std::int64_t read_header_length(std::span<const std::byte> file, const std::string& label) {
  const auto size = static_cast<std::int64_t>(file.size());
  const std::string hint = wrong_kind_hint(file);
  if (size < kSafetensorsLengthBytes + 2) {
    fail(label, "too small: expected a header length and a header, at least 10 bytes, found " +
                    std::to_string(size) + hint);
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof(length));
  if (length < 2) {
    fail(label, "header length: expected at least 2, found " + std::to_string(length));
  }
  if (length > static_cast<std::uint64_t>(kMaxSafetensorsHeader)) {
    fail(label, "header length: expected at most " + std::to_string(kMaxSafetensorsHeader) +
                    " bytes, found " + std::to_string(length) + hint);
  }
  if (length > static_cast<std::uint64_t>(size - kSafetensorsLengthBytes)) {
    fail(label, "header length: found " + std::to_string(length) + ", but only " +
                    std::to_string(size - kSafetensorsLengthBytes) +
                    " bytes follow: the file was cut short" + hint);
  }
  return static_cast<std::int64_t>(length);
}

// The byte count that shape and dtype imply must be what the offsets span. A type we do not know
// has an unknown size: its tensor is bounded by its offsets alone, and using it is an error.
void check_size(const SafetensorsEntry& entry, const std::string& label) {
  const std::string where = "tensor " + quote(entry.name) + ": ";
  if (entry.begin > entry.end) {
    fail(label, where + "data_offsets: expected begin <= end, found [" +
                    std::to_string(entry.begin.get()) + ", " + std::to_string(entry.end.get()) +
                    "]");
  }
  const auto elements = checked_product(entry.shape);
  if (!elements) {
    fail(label,
         where + "shape: the number of elements of " + to_string(entry.shape) + " exceeds 2^63-1");
  }
  const TensorDtype dtype = parse_dtype(entry.dtype);
  if (dtype == TensorDtype::other) return;
  const auto bytes = checked_mul(*elements, *Size::of(dtype_size(dtype)));
  if (!bytes) {
    fail(label, where + "shape: the bytes of " + quote(entry.dtype) + " " + to_string(entry.shape) +
                    " exceed 2^63-1");
  }
  const std::int64_t span = entry.end.get() - entry.begin.get();  // begin <= end: asked above
  if (*bytes != span) {
    fail(label, where + "expected " + std::to_string(bytes->get()) + " bytes for " +
                    quote(entry.dtype) + " " + to_string(entry.shape) +
                    ", found data_offsets that span " + std::to_string(span));
  }
}

// Sorted by offset, the tensors must tile the data exactly: no overlap, no hole, nothing behind.
void check_tiling(const std::vector<SafetensorsEntry>& entries, std::int64_t data_size,
                  const std::string& label) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(entries[a].begin, entries[a].end) <
           std::pair(entries[b].begin, entries[b].end);
  });
  Size reached;
  for (const std::size_t i : order) {
    const SafetensorsEntry& entry = entries[i];
    if (entry.begin != reached) {
      fail(label, "tensor " + quote(entry.name) + ": data_offsets: expected to begin at " +
                      std::to_string(reached.get()) + ", found " +
                      std::to_string(entry.begin.get()) +
                      (entry.begin < reached ? " (overlaps its neighbour)" : " (leaves a hole)"));
    }
    if (entry.end > data_size) {
      fail(label, "tensor " + quote(entry.name) + ": data_offsets: end at " +
                      std::to_string(entry.end.get()) + ", but the file has only " +
                      std::to_string(data_size) + " bytes of data: it was cut short");
    }
    reached = entry.end;
  }
  if (reached != data_size) {
    fail(label, "expected " + std::to_string(reached.get()) + " bytes of data, found " +
                    std::to_string(data_size) + ": bytes that belong to no tensor follow the last");
  }
}

}  // namespace

TensorSource open_safetensors(InputFile opened) {
  MappedFile file(std::move(opened));
  const std::string label = file.path().string();
  const std::int64_t length = read_header_length(file.bytes(), label);
  const std::int64_t data_start = kSafetensorsLengthBytes + length;
  SafetensorsHeader header = parse_safetensors_header(
      {reinterpret_cast<const char*>(file.data()) + kSafetensorsLengthBytes,
       static_cast<std::size_t>(length)},
      label);
  for (const SafetensorsEntry& entry : header.entries) check_size(entry, label);
  check_tiling(header.entries, file.size() - data_start, label);

  TensorSource source;
  source.set_path(file.path());
  source.set_metadata(std::move(header.metadata));
  for (SafetensorsEntry& entry : header.entries) {
    TensorView tensor;
    tensor.name = std::move(entry.name);
    tensor.dtype = parse_dtype(entry.dtype);
    tensor.dtype_name = std::move(entry.dtype);
    for (const Size dimension : entry.shape) tensor.shape.push_back(dimension.get());
    tensor.data = file.data() + data_start + entry.begin.get();
    tensor.bytes = entry.end.get() - entry.begin.get();
    source.add(std::move(tensor));
  }
  source.own(std::move(file));
  return source;
}

TensorSource open_safetensors(const std::filesystem::path& path) {
  return open_safetensors(InputFile::open(path));
}

}  // namespace sapwood
