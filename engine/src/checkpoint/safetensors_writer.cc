#include "checkpoint/safetensors_writer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "base/atomic_file.h"
#include "base/checked.h"
#include "base/json_writer.h"
#include "base/mapped_file.h"
#include "base/quote.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_header.h"
#include "checkpoint/sha256.h"
#include "checkpoint/tensor_source.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kBufferBytes = 1 << 20;

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string json_string(const std::string& text, const char* what) {
  if (!utf8::is_valid(text)) {
    throw Error(ErrorCode::invalid_utf8,
                std::string(what) + ": expected UTF-8, found " + quote(text));
  }
  std::string json;
  append_json_string(json, text);
  return json;
}

Size require_fits(std::optional<Size> size, const TensorToWrite& tensor) {
  if (!size) {
    throw Error(ErrorCode::invalid_argument, "tensor " + quote(tensor.name) + ": the shape " +
                                                 to_string(tensor.shape) +
                                                 " is negative or exceeds 2^63-1 bytes");
  }
  return *size;
}

// The whole file as it will be: the table's text, and each tensor's bytes and pad.
struct Layout {
  struct Piece {
    std::int64_t bytes = 0;
    std::int64_t pad = 0;  // bytes of the __pad tensor behind it
  };
  std::string header;  // padded with spaces, so that the data begins aligned
  std::vector<Piece> pieces;
  std::int64_t file_bytes = 0;
};

std::string table_entry(const std::string& name, std::string_view dtype,
                        const std::vector<std::int64_t>& shape, std::int64_t begin,
                        std::int64_t end) {
  std::string numbers;
  for (const std::int64_t dimension : shape) {
    if (!numbers.empty()) numbers += ',';
    numbers += std::to_string(dimension);
  }
  return json_string(name, "tensor name") + ":{\"dtype\":\"" + std::string(dtype) +
         "\",\"shape\":[" + numbers + "],\"data_offsets\":[" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

void check_tensor(const TensorToWrite& tensor, std::set<std::string_view>& names) {
  const std::string where = "tensor " + quote(tensor.name) + ": ";
  if (tensor.name.starts_with("__")) {
    throw Error(ErrorCode::invalid_argument, where + "names that start with '__' are reserved");
  }
  if (!names.insert(tensor.name).second) {
    throw Error(ErrorCode::invalid_argument, where + "is listed twice");
  }
  if (tensor.dtype == TensorDtype::other) {
    throw Error(ErrorCode::invalid_argument, where + "expected a known dtype, found none");
  }
}

Layout plan(const std::map<std::string, std::string>& metadata,
            const std::vector<TensorToWrite>& tensors) {
  Layout layout;
  std::string table = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) {
    if (table.back() != '{') table += ',';
    table += json_string(key, "metadata key") + ":" + json_string(value, key.c_str());
  }
  table += '}';

  std::set<std::string_view> names;
  Size offset;
  std::int64_t pads = 0;
  for (const TensorToWrite& tensor : tensors) {
    check_tensor(tensor, names);
    const Size elements = require_fits(checked_product(tensor.shape), tensor);
    const Size element = *Size::of(dtype_size(tensor.dtype));
    const Size bytes = require_fits(checked_mul(elements, element), tensor);
    const Size end = require_fits(checked_add(offset, bytes), tensor);
    const Size next = require_fits(align_up(end, kTensorAlignment), tensor);
    Layout::Piece piece;
    piece.bytes = bytes.get();
    table += ',' + table_entry(tensor.name, dtype_name(tensor.dtype), tensor.shape, offset.get(),
                               end.get());
    // The last tensor is padded too: the file's length then is a multiple of the alignment, and
    // kernels may read a whole vector at its end.
    piece.pad = next.get() - end.get();
    if (piece.pad > 0) {
      table += ',' + table_entry(std::string(kPadPrefix) + std::to_string(pads++), "U8",
                                 {piece.pad}, end.get(), next.get());
    }
    layout.pieces.push_back(piece);
    offset = next;
  }
  table += '}';

  const auto table_bytes = static_cast<std::int64_t>(table.size());
  const Size start = *align_up(*Size::of(table_bytes + kSafetensorsLengthBytes), kTensorAlignment);
  const auto total = checked_add(start, offset);
  if (!total || start.get() - kSafetensorsLengthBytes > kMaxSafetensorsHeader) {
    throw Error(ErrorCode::invalid_argument, "the header needs " + std::to_string(table_bytes) +
                                                 " bytes; the safetensors format allows " +
                                                 std::to_string(kMaxSafetensorsHeader));
  }
  table.append(static_cast<std::size_t>(start.get() - kSafetensorsLengthBytes - table_bytes), ' ');
  layout.header = std::move(table);
  layout.file_bytes = total->get();
  return layout;
}

// Collects small pieces, and hashes on the way where a checksum is wanted.
class HashedFile {
 public:
  HashedFile(AtomicFile& file, bool hash)
      : file_(file), buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferBytes)) {
    if (hash) hash_.emplace();
  }

  void write(std::span<const std::byte> bytes) {
    if (hash_) hash_->update(bytes);
    if (bytes.size() > kBufferBytes - used_) flush();
    if (bytes.size() >= kBufferBytes) {
      file_.write(bytes);
    } else if (!bytes.empty()) {
      std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
      used_ += bytes.size();
    }
  }

  void flush() {
    file_.write({buffer_.get(), used_});
    used_ = 0;
  }

  std::string hex() { return hash_->hex(); }

 private:
  AtomicFile& file_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t used_ = 0;
  std::optional<Sha256> hash_;
};

void write_tensor(const TensorToWrite& tensor, std::int64_t bytes, HashedFile& output) {
  std::int64_t given = 0;
  const auto sink = [&](std::span<const std::byte> piece) {
    given += static_cast<std::int64_t>(piece.size());
    if (given <= bytes) output.write(piece);
  };
  if (tensor.data != nullptr) {
    sink({tensor.data, static_cast<std::size_t>(bytes)});
  } else if (tensor.produce) {
    tensor.produce(sink);
  }
  if (given != bytes) {
    throw Error(ErrorCode::mismatch, "tensor " + quote(tensor.name) + ": expected " +
                                         std::to_string(bytes) + " bytes, was given " +
                                         std::to_string(given));
  }
}

// `"key":"` as the writer spells it. The digits that follow are the checksum.
std::string checksum_prefix(const std::string& key) {
  return json_string(key, "checksum key") + ":\"";
}

}  // namespace

void write_safetensors(const std::filesystem::path& target,
                       const std::map<std::string, std::string>& metadata,
                       const std::vector<TensorToWrite>& tensors,
                       const SafetensorsWriteOptions& options) {
  const bool checksum = !options.checksum_key.empty();
  std::map<std::string, std::string> all = metadata;
  if (checksum) all[options.checksum_key] = std::string(kHexDigits, '0');
  const Layout layout = plan(all, tensors);

  AtomicFile file(target, layout.file_bytes);
  HashedFile output(file, checksum);
  const std::uint64_t length = layout.header.size();
  output.write(std::as_bytes(std::span(&length, 1)));
  output.write(as_bytes(layout.header));
  constexpr std::byte kZeros[kTensorAlignment] = {};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Layout::Piece& piece = layout.pieces[i];
    write_tensor(tensors[i], piece.bytes, output);
    output.write({kZeros, static_cast<std::size_t>(piece.pad)});
  }
  output.flush();
  if (checksum) {
    const std::string prefix = checksum_prefix(options.checksum_key);
    const std::size_t at = layout.header.find(prefix) + prefix.size();
    file.write_at(kSafetensorsLengthBytes + static_cast<std::int64_t>(at), as_bytes(output.hex()));
  }
  file.commit();
}

void verify_safetensors(const std::filesystem::path& path, const std::string& checksum_key) {
  const TensorSource source = open_safetensors(path);  // checks the structure
  const auto found = source.metadata().find(checksum_key);
  if (found == source.metadata().end()) {
    throw Error(ErrorCode::not_found, path.string() + ": expected the checksum " +
                                          quote(checksum_key) + " in __metadata__, found none");
  }
  const std::span<const std::byte> bytes = source.files().front().bytes();
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  const std::string_view header(
      reinterpret_cast<const char*>(bytes.data()) + kSafetensorsLengthBytes, length);
  const std::string prefix = checksum_prefix(checksum_key);
  const std::size_t at = header.find(prefix + found->second + '"');
  if (at == std::string_view::npos || found->second.size() != kHexDigits) {
    throw Error(ErrorCode::malformed, path.string() + ": __metadata__: " + quote(checksum_key) +
                                          ": expected 64 hexadecimal digits, found " +
                                          quote(found->second));
  }
  const std::size_t digits = kSafetensorsLengthBytes + at + prefix.size();
  Sha256 hash;
  hash.update(bytes.first(digits));
  hash.update(as_bytes(std::string(kHexDigits, '0')));
  hash.update(bytes.subspan(digits + kHexDigits));
  const std::string computed = hash.hex();
  if (computed != found->second) {
    throw Error(ErrorCode::malformed, path.string() + ": checksum: expected " + found->second +
                                          ", computed " + computed + ": the file was damaged");
  }
}

}  // namespace sapwood
