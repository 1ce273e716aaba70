// A pickle read as data: the part of the pickle machine that state dicts need, executing nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/checked.h"
#include "checkpoint/dtype.h"

namespace sapwood {

// A reference to a value of the pool. Values refer to one another by number, so that no nesting,
// however deep, makes anything here recursive.
using PickleRef = std::uint32_t;

struct PickleValue {
  enum class Kind : std::uint8_t {
    none,
    boolean,  // number
    integer,  // number
    real,     // its value is not kept: state dicts have no use for it
    string,   // text
    tuple,    // items
    list,     // items
    dict,     // items: key, value, key, value, ...; also collections.OrderedDict
    global,   // text: "module\nname"
    storage,  // text: its key, number: index into Unpickled::storages
    tensor,   // number: index into Unpickled::tensors
  };
  Kind kind = Kind::none;
  std::int64_t number = 0;
  std::string_view text;  // points into the pickle's bytes
  std::vector<PickleRef> items;
};

struct PickleStorage {
  std::string_view key;  // the zip entry data/KEY
  TensorDtype dtype = TensorDtype::other;
  Size elements;
};

// What torch._utils._rebuild_tensor_v2 was asked for; not yet checked against the storage.
struct PickleTensor {
  PickleStorage storage;
  Size offset;  // elements
  std::vector<Size> shape;
  std::vector<Size> strides;  // elements; as many as shape has
};

struct Unpickled {
  std::vector<PickleValue> values;
  std::vector<PickleStorage> storages;
  std::vector<PickleTensor> tensors;
  PickleRef root = 0;
  std::size_t bytes = 0;  // of the pickle, which more may follow
};

// Reads a pickle of protocol 2 to 5; `pickle` must outlive the result. Memory is bounded by a small
// multiple of its size, and by a cap on the number of values. Throws Error malformed (cut short,
// stack underflow, an operand of the wrong kind) or unsupported (another protocol, an opcode or a
// name that a state dict has no use for); messages start with `label`.
Unpickled unpickle(std::span<const std::byte> pickle, const std::string& label);

}  // namespace sapwood
