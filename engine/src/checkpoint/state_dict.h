// From an unpickled state dict to tensors, wherever the bytes of their storages stand.
#pragma once

#include <functional>
#include <string>

#include "base/checked.h"
#include "checkpoint/tensor_source.h"
#include "checkpoint/unpickle.h"

namespace sapwood {

struct StorageBytes {
  const std::byte* data = nullptr;
  std::int64_t bytes = 0;
};

struct StateDict {
  const Unpickled& pickle;
  std::string label;  // what messages begin with
  Size file_bytes;    // copies of views are bounded by it
  // The bytes of the storage under a key, which the source owns. Throws Error malformed, naming the tensor, where there
  // are none.
  std::function<StorageBytes(const std::string& key, const std::string& tensor)> storage;
};

// Adds the tensors of the dict, which may be wrapped as "state_dict" or "model"; other values are passed over. Errors
// as open_pytorch_bin.
void add_tensors(const StateDict& dict, TensorSource& source);

}  // namespace sapwood
