#include "checkpoint/state_dict.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
namespace {

using Kind = PickleValue::Kind;

// Copies of views may take this many times the file's size: one transposed view of every storage,
// and some. More is an attack: a small file whose tensors unfold to fill the memory.
constexpr Size kMaxCopyFactor = *Size::of(4);

// What the strides of a tensor mean.
enum class StrideOrder { contiguous, strided };

StrideOrder stride_order(const PickleTensor& tensor) {
  std::optional<Size> expected = Size::of(1);
  for (std::size_t i = tensor.shape.size(); i > 0 && expected; --i) {
    const Size dimension = tensor.shape[i - 1];
    if (dimension == 1) continue;  // its stride is never used
    if (tensor.strides[i - 1] != *expected) return StrideOrder::strided;
    expected = checked_mul(*expected, dimension);
  }
  return StrideOrder::contiguous;
}

// Elements of the storage that the tensor reaches into, from the storage's start; nullopt on
// overflow.
std::optional<Size> reach(const PickleTensor& tensor) {
  std::optional<Size> last = tensor.offset;
  for (std::size_t i = 0; i < tensor.shape.size() && last; ++i) {
    const auto steps = Size::of(tensor.shape[i].get() - 1);  // no dimension is 0: asked before
    const auto step = steps ? checked_mul(*steps, tensor.strides[i]) : std::nullopt;
    last = step ? checked_add(*last, *step) : std::nullopt;
  }
  return last ? checked_add(*last, *Size::of(1)) : std::nullopt;
}

// Copies a strided tensor into row-major order. The caller has checked reach().
void copy_strided(const PickleTensor& tensor, std::int64_t element, const std::byte* storage,
                  std::byte* out) {
  const auto size = static_cast<std::size_t>(element);
  const std::size_t rank = tensor.shape.size();
  std::vector<std::int64_t> position(rank, 0);
  std::int64_t index = tensor.offset.get();
  while (true) {
    std::memcpy(out, storage + index * element, size);
    out += element;
    std::size_t axis = rank;
    for (; axis > 0; --axis) {
      // No sum goes beyond what reach() had: a dimension of 1 may have any stride.
      const std::int64_t stride = tensor.strides[axis - 1].get();
      std::int64_t& at = position[axis - 1];
      if (tensor.shape[axis - 1] > at + 1) {
        ++at;
        index += stride;
        break;
      }
      index -= stride * at;
      at = 0;
    }
    if (axis == 0) return;
  }
}

class StateDictReader {
 public:
  StateDictReader(const StateDict& dict, TensorSource& source) : dict_(dict), source_(source) {}

  void read() {
    const PickleValue& dict = state_dict();
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleValue& key = dict_.pickle.values[dict.items[i]];
      const PickleValue& value = dict_.pickle.values[dict.items[i + 1]];
      if (key.kind == Kind::string && value.kind == Kind::tensor) {
        add(std::string(key.text), dict_.pickle.tensors[static_cast<std::size_t>(value.number)]);
      }
    }
  }

 private:
  bool holds_tensors(const PickleValue& dict) const {
    for (std::size_t i = 1; i < dict.items.size(); i += 2) {
      if (dict_.pickle.values[dict.items[i]].kind == Kind::tensor) return true;
    }
    return false;
  }

  const PickleValue& state_dict() const {
    const PickleValue& root = dict_.pickle.values[dict_.pickle.root];
    if (root.kind != Kind::dict) fail("expected a dict of tensors, found another value");
    if (holds_tensors(root)) return root;
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const PickleValue& key = dict_.pickle.values[root.items[i]];
      const PickleValue& value = dict_.pickle.values[root.items[i + 1]];
      const bool wraps =
          key.kind == Kind::string && value.kind == Kind::dict &&
          (key.text == "state_dict" || key.text == "model_state_dict" || key.text == "model");
      if (!wraps) continue;
      if (holds_tensors(value)) return value;
      break;  // one candidate only, so that the search is linear
    }
    fail("expected a dict of tensors, or one under 'state_dict' or 'model', found no tensors");
  }

  void add(std::string name, const PickleTensor& tensor) {
    const std::string where = "tensor " + quote(name) + ": ";
    if (!utf8::is_valid(name)) fail(where + "the name is not UTF-8");
    if (++tensors_ > kMaxTensors) {
      fail("expected at most " + std::to_string(kMaxTensors) + " tensors, found more");
    }
    const Size element = *Size::of(dtype_size(tensor.storage.dtype));
    const StorageBytes storage = dict_.storage(std::string(tensor.storage.key), name);
    const auto claimed = checked_mul(tensor.storage.elements, element);
    if (!claimed || *claimed > storage.bytes) {
      fail(where + "its storage claims " + std::to_string(tensor.storage.elements.get()) +
           " elements, but has only " + std::to_string(storage.bytes) + " bytes");
    }
    const auto elements = checked_product(tensor.shape);
    const auto bytes = elements ? checked_mul(*elements, element) : std::nullopt;
    if (!bytes) fail(where + "the bytes of shape " + to_string(tensor.shape) + " exceed 2^63-1");

    TensorView view;
    view.name = std::move(name);
    view.dtype = tensor.storage.dtype;
    view.dtype_name = dtype_name(view.dtype);
    for (const Size dimension : tensor.shape) view.shape.push_back(dimension.get());
    view.bytes = bytes->get();
    view.data = storage.data;
    if (*elements > 0) {
      const auto needed = reach(tensor);
      if (!needed || *needed > tensor.storage.elements) {
        fail(where + "offset, shape " + to_string(tensor.shape) + " and stride " +
             to_string(tensor.strides) + " reach past its storage of " +
             std::to_string(tensor.storage.elements.get()) + " elements");
      }
      view.data = stride_order(tensor) == StrideOrder::contiguous
                      ? storage.data + checked_mul(tensor.offset, element)->get()  // within reach
                      : copy(tensor, *bytes, element, storage, where);
    }
    source_.add(std::move(view));
  }

  const std::byte* copy(const PickleTensor& tensor, Size bytes, Size element,
                        const StorageBytes& storage, const std::string& where) {
    const auto limit = checked_mul(dict_.file_bytes, kMaxCopyFactor);
    const auto total = checked_add(copied_, bytes);
    if (bytes.get() > storage.bytes || !limit || !total || *total > *limit) {
      throw Error(ErrorCode::unsupported,
                  dict_.label + ": " + where +
                      "is an expanded view, larger than its storage: save the "
                      "checkpoint again with .contiguous() tensors");
    }
    copied_ = *total;
    auto buffer =
        std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(bytes.get()));
    copy_strided(tensor, element.get(), storage.data, buffer.get());
    const std::byte* const data = buffer.get();
    source_.own(std::move(buffer));
    return data;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::malformed, dict_.label + ": " + what);
  }

  const StateDict& dict_;
  TensorSource& source_;
  Size copied_;
  std::int64_t tensors_ = 0;
};

}  // namespace

void add_tensors(const StateDict& dict, TensorSource& source) {
  StateDictReader(dict, source).read();
}

}  // namespace sapwood
