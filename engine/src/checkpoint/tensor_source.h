// The named tensors of one checkpoint, whatever format and however many files it came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/checked.h"
#include "base/mapped_file.h"
#include "checkpoint/dtype.h"

namespace sapwood {

// One tensor: row-major, contiguous, little-endian. `data` belongs to the TensorSource and has the
// file's alignment, which may be any.
struct TensorView {
  std::string name;
  TensorDtype dtype = TensorDtype::other;
  std::string dtype_name;           // as the file calls it: "F32", "C64", ...
  std::vector<std::int64_t> shape;  // empty for a scalar; dimensions may be 0
  const std::byte* data = nullptr;
  std::int64_t bytes = 0;

  // Product of shape (checked at load); 1 for a scalar.
  std::int64_t elements() const noexcept;
};

// "[30522, 768]".
std::string to_string(const std::vector<std::int64_t>& shape);
std::string to_string(const std::vector<Size>& shape);

// Converts the whole tensor into dst[0 .. tensor.elements()).
// Throws Error unsupported, naming the tensor, where its dtype is not floating.
void to_float(const TensorView& tensor, float* dst);

class TensorSource {
 public:
  using Metadata = std::map<std::string, std::string>;

  TensorSource() = default;
  TensorSource(TensorSource&&) = default;
  TensorSource& operator=(TensorSource&&) = default;

  // In the order of the files' tables. Two tensors may share memory (tied weights).
  const std::vector<TensorView>& tensors() const noexcept { return tensors_; }
  std::vector<std::string> names() const;
  const TensorView* find(std::string_view name) const noexcept;  // null if there is none
  const TensorView& at(
      std::string_view name) const;  // throws Error not_found naming tensor and file

  // safetensors' __metadata__; empty for other formats and for shards.
  const Metadata& metadata() const noexcept { return metadata_; }

  // The files the tensors were read from, in a fixed order: the one file, or the index and then its
  // shards by name. For hashing and for messages.
  const std::vector<MappedFile>& files() const noexcept { return files_; }
  const std::filesystem::path& path() const noexcept { return path_; }  // what was opened

  // A source that was merged under a prefix of its own.
  struct Part {
    std::string prefix;
    std::filesystem::path path;
  };
  // The one that a tensor of this name is of, or would be; null for the source itself.
  const Part* part_of(std::string_view name) const noexcept;

  // For readers. add throws Error malformed for a name that is already there.
  void set_path(std::filesystem::path path) { path_ = std::move(path); }
  void set_metadata(Metadata metadata) { metadata_ = std::move(metadata); }
  void add(TensorView tensor);
  void own(MappedFile file) { files_.push_back(std::move(file)); }
  void own(std::unique_ptr<std::byte[]> buffer) { buffers_.push_back(std::move(buffer)); }
  // Takes the prefix off the tensors' names that begin with it, but where the rest is the name of another one already.
  void strip_prefix(std::string_view prefix);
  // Takes over another source's files, buffers and tensors (a shard, or a module whose names get a prefix); its metadata
  // is dropped.
  void merge(TensorSource&& other, std::string_view prefix = "");
  // The same without its tensors.
  void own_files_of(TensorSource&& other);

 private:
  std::filesystem::path path_;
  std::vector<TensorView> tensors_;
  // Ordered, not hashed: names come from a file, and chosen names cannot make a tree slow.
  std::map<std::string, std::size_t, std::less<>> index_;
  Metadata metadata_;
  std::vector<Part> parts_;
  std::vector<MappedFile> files_;
  std::vector<std::unique_ptr<std::byte[]>> buffers_;
};

}  // namespace sapwood
