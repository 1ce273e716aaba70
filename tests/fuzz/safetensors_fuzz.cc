// A safetensors file as it comes: opened, every tensor read.
#include <algorithm>
#include <cstring>
#include <random>

#include "checkpoint/safetensors.h"
#include "target.h"
#include "tensors.h"

namespace sapwood::fuzz {
namespace {

// The tensors lie one behind the other, from the header to the end of the file.
void check_cover(const TensorSource& source) {
  const MappedFile& file = source.files().front();
  std::vector<std::pair<const std::byte*, const std::byte*>> ranges;
  for (const TensorView& tensor : source.tensors()) {
    ranges.emplace_back(tensor.data, tensor.data + tensor.bytes);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t header = 0;
  std::memcpy(&header, file.data(), sizeof header);
  const std::byte* at = file.data() + kSafetensorsLengthBytes + header;
  for (const auto& [begin, end] : ranges) {
    require(begin == at, "tensors with a hole, or one over the other");
    at = end;
  }
  require(at == file.data() + file.size(), "bytes behind the last tensor");
}

void read_safetensors(std::string_view input) {
  accepted([&] {
    const TensorSource source =
        open_safetensors(InputFile("fuzz.safetensors", {std::as_bytes(std::span(input)), nullptr}));
    check_tensors(source);
    check_cover(source);
  });
}

std::string with_length(const std::string& header, const std::string& data) {
  const std::uint64_t size = header.size();
  std::string length(sizeof size, '\0');
  std::memcpy(length.data(), &size, sizeof size);
  return length + header + data;
}

// The largest of the numbers behind "data_offsets", which is where the file should end.
std::size_t end_of_data(const std::string& header) {
  constexpr std::size_t kMost = 4096;
  std::size_t end = 0;
  for (std::size_t at = header.find("data_offsets"); at != header.npos;
       at = header.find("data_offsets", at + 1)) {
    const std::size_t comma = std::min(header.find(',', at), header.size());
    std::size_t number = 0;
    for (std::size_t i = comma + 1; i < header.size() && number < kMost; ++i) {
      if (header[i] == ' ') continue;
      if (header[i] < '0' || header[i] > '9') break;
      number = number * 10 + static_cast<std::size_t>(header[i] - '0');
    }
    end = std::max(end, std::min(number, kMost));
  }
  return end;
}

// Mostly changes the header and says its new length; often gives the data the size that the header speaks of.
std::string change_header(std::string input, std::size_t most, std::uint32_t seed,
                          Target::Change change) {
  std::minstd_rand random(seed);
  std::uint64_t size = 0;
  if (input.size() > sizeof size) std::memcpy(&size, input.data(), sizeof size);
  if (size == 0 || size > input.size() - sizeof size || random() % 8 == 0) {
    return change(std::move(input), most);
  }
  std::string header = input.substr(sizeof size, size);
  std::string data = input.substr(sizeof size + size);
  if (most > sizeof size + data.size()) {
    header = change(std::move(header), most - sizeof size - data.size());
  }
  if (random() % 4 != 0) data.resize(end_of_data(header), '\1');
  return with_length(header, data);
}

const Registration kSafetensorsTarget({"safetensors", read_safetensors, change_header});

}  // namespace
}  // namespace sapwood::fuzz
