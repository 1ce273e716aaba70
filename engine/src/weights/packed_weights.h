// The weights as the kernels read them: packed in memory from a checkpoint, or mapped from a
// converted file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/notices.h"
#include "checkpoint/tensor_source.h"
#include "sapwood/config.h"
#include "weights/weight_table.h"

namespace sapwood {

struct PackedTensor {
  TensorDtype dtype = TensorDtype::f32;
  std::vector<std::int64_t> shape;
  const std::byte* data = nullptr;  // 64-byte aligned
  std::int64_t bytes = 0;
};

// Makes a model a bare encoder for this reason (config.head, config.missing_head), with a notice that begins with `where`:
// only a task that needs the head misses it. The second one does so where the head's tensors are not all there.
void drop_head(ModelConfig& config, std::string reason, const std::string& where, Notices& notices);
void drop_missing_head(const TensorSource& source, ModelConfig& config, Notices& notices);

// What a masked-LM head's decoder is where the checkpoint has more than the configuration asks for: of two biases that
// differ the decoder's own, and of a decoder that should be the word embedding and is not the decoder (config.tied_decoder),
// each with a notice.
void settle_decoder(const TensorSource& source, ModelConfig& config, Notices& notices);

// Rows of the head's classifier in the checkpoint, which has the head's tensors; 0 for heads without labels. Throws Error
// mismatch where the classifier is no matrix.
int count_labels(const TensorSource& source, const ModelConfig& config);

class PackedWeights {
 public:
  // Throws Error mismatch or not_found that names tensor, expected and found shape, where the checkpoint has not all that
  // the model needs. config.labels are resolved.
  static void check(const TensorSource& source, const ModelConfig& config);

  // Converts to float and packs in the types
  // asked for; int8 weights that hold a NaN or an infinity are kept in bf16, an exception in
  // types(). Throws Error as check() and where the types cannot be had.
  static PackedWeights pack(const TensorSource& source, const ModelConfig& config,
                            const WeightTypes& types);

  // Refers to the packed tensors of a converted file, after checking names, shapes and alignment.
  // config.labels are resolved. The weights keep the source alive.
  static PackedWeights map(std::shared_ptr<const TensorSource> source, const ModelConfig& config,
                           const WeightTypes& types);

  // Copies all tensors into memory of their own, on large pages where the system has them, and lets
  // go of the file. Throws Error out_of_memory.
  void copy();

  // The tensor, or null where the model has none of this name.
  const PackedTensor* find(const std::string& name) const;

  const std::map<std::string, PackedTensor>& tensors() const { return tensors_; }
  std::int64_t bytes() const;
  const WeightTypes& types() const { return types_; }
  // What the model needs of the checkpoint, tied tensors once.
  std::int64_t parameters() const { return parameters_; }
  const std::vector<std::string>& unused() const { return unused_; }
  const std::string& source_dtype() const { return source_dtype_; }

 private:
  WeightTypes types_;
  std::map<std::string, PackedTensor> tensors_;
  std::shared_ptr<const void> owner_;  // buffer or mapping
  std::int64_t parameters_ = 0;
  std::vector<std::string> unused_;
  std::string source_dtype_;

  friend class Packer;
};

}  // namespace sapwood
