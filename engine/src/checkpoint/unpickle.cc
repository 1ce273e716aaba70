// Reads a pickle as data.
#include "checkpoint/unpickle.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/quote.h"
#include "checkpoint/pickle_stack.h"
#include "checkpoint/safetensors.h"

namespace sapwood {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kMaxArguments = 8;  // _rebuild_tensor_v2 takes 6 or 7

struct StorageName {
  std::string_view global;
  TensorDtype dtype;
};
constexpr std::array<StorageName, 10> kStorages{{
    {"torch\nFloatStorage", TensorDtype::f32},
    {"torch\nHalfStorage", TensorDtype::f16},
    {"torch\nBFloat16Storage", TensorDtype::bf16},
    {"torch\nDoubleStorage", TensorDtype::f64},
    {"torch\nLongStorage", TensorDtype::i64},
    {"torch\nIntStorage", TensorDtype::i32},
    {"torch\nShortStorage", TensorDtype::i16},
    {"torch\nCharStorage", TensorDtype::i8},
    {"torch\nByteStorage", TensorDtype::u8},
    {"torch\nBoolStorage", TensorDtype::bool_},
}};

// The names that a state dict calls.
constexpr std::string_view kOrderedDict = "collections\nOrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils\n_rebuild_tensor_v2";
constexpr std::string_view kRebuildOldTensor = "torch._utils\n_rebuild_tensor";  // PyTorch 0.3
constexpr std::string_view kRebuildParameter = "torch._utils\n_rebuild_parameter";
constexpr std::string_view kSize = "torch\nSize";

// The name as it stands in the lists above; empty where it is none of them.
std::string_view known_global(std::string_view module, std::string_view name) {
  const auto is_it = [&](std::string_view global) {
    return global.size() == module.size() + 1 + name.size() && global.starts_with(module) &&
           global[module.size()] == '\n' && global.ends_with(name);
  };
  for (const std::string_view global :
       {kOrderedDict, kRebuildTensor, kRebuildOldTensor, kRebuildParameter, kSize}) {
    if (is_it(global)) return global;
  }
  for (const StorageName& storage : kStorages) {
    if (is_it(storage.global)) return storage.global;
  }
  return {};
}

class Machine : PickleStack {
 public:
  Machine(std::span<const std::byte> pickle, const std::string& label)
      : PickleStack(pickle, label) {}

  Unpickled run() {
    constexpr std::uint8_t kProto = 0x80, kOldest = 2, kNewest = 5;
    if (take_byte() != kProto) fail("expected a pickle of protocol 2 to 5, found something else");
    const std::uint8_t protocol = take_byte();
    if (protocol < kOldest || protocol > kNewest) {
      throw Error(ErrorCode::unsupported,
                  label() + ": expected a pickle of protocol 2 to 5, found protocol " +
                      std::to_string(protocol) + ": save it again without pickle_protocol");
    }
    while (step()) {
    }
    out_.root = pop();
    if (!empty()) fail("expected one value at the end, found more");
    out_.bytes = place();
    return std::move(out_);
  }

 private:
  // One opcode; false at the end of the pickle.
  bool step() {
    const std::uint8_t opcode = take_byte();
    if (opcode == '.') return false;
    if (!push_constant(opcode) && !build_container(opcode) && !build_other(opcode)) {
      refuse_opcode(opcode);
    }
    return true;
  }

  // Each of the three does what its opcodes say, or returns false for another one.

  bool push_constant(std::uint8_t opcode) {
    switch (opcode) {
      case 'N':
        push({});
        return true;
      case 0x88:
        push({Kind::boolean, 1, {}, {}});
        return true;
      case 0x89:
        push({Kind::boolean, 0, {}, {}});
        return true;
      case 'K':
        push_integer(take_byte());
        return true;
      case 'M':
        push_integer(take_number<std::uint16_t>());
        return true;
      case 'J':
        push_integer(take_number<std::int32_t>());
        return true;
      case 0x8a:
        push_integer(take_long());
        return true;
      case 'G':
        take(8);
        push({Kind::real, 0, {}, {}});
        return true;
      case 'X':
      case 'T':  // of Python 2
        push({Kind::string, 0, take(take_number<std::uint32_t>()), {}});
        return true;
      case 'U':  // of Python 2
      case 0x8c:
        push({Kind::string, 0, take(take_byte()), {}});
        return true;
      default:
        return false;
    }
  }

  bool build_container(std::uint8_t opcode) {
    switch (opcode) {
      case '(':
        push_mark();
        return true;
      case ')':
        push({Kind::tuple, 0, {}, {}});
        return true;
      case ']':
        push({Kind::list, 0, {}, {}});
        return true;
      case '}':
        push({Kind::dict, 0, {}, {}});
        return true;
      case 't':
        push({Kind::tuple, 0, {}, pop_to_mark()});
        return true;
      case 0x85:
      case 0x86:
      case 0x87:
        push_tuple(opcode - 0x84u);
        return true;
      case 'a':
        append({pop()}, Kind::list);
        return true;
      case 'e':
        append(pop_to_mark(), Kind::list);
        return true;
      case 's': {
        const PickleRef last = pop();
        const PickleRef key = pop();
        append({key, last}, Kind::dict);
        return true;
      }
      case 'u':
        append(pop_to_mark(), Kind::dict);
        return true;
      default:
        return false;
    }
  }

  bool build_other(std::uint8_t opcode) {
    switch (opcode) {
      case 'q':
        memorise(take_byte());
        return true;
      case 'r':
        memorise(take_number<std::uint32_t>());
        return true;
      case 'h':
        recall(take_byte());
        return true;
      case 'j':
        recall(take_number<std::uint32_t>());
        return true;
      case 0x94:
        memorise_next();
        return true;
      case 0x95:  // the size of what follows, which helps readers of streams
        take(8);
        return true;
      case 'c':
        push_global();
        return true;
      case 0x93:
        push_stacked_global();
        return true;
      case 'Q':
        load_storage();
        return true;
      case 'R':
        reduce();
        return true;
      case 'b':
        build();
        return true;
      default:
        return false;
    }
  }

  // --- what torch.save builds

  void push_global() {
    const std::string_view module = take_line();
    push_known_global(module, take_line());
  }

  // STACK_GLOBAL: the two names are the topmost values.
  void push_stacked_global() {
    const std::string_view name = pop_value(Kind::string, "a name to look up").text;
    push_known_global(pop_value(Kind::string, "a module's name").text, name);
  }

  void push_known_global(std::string_view module, std::string_view name) {
    const std::string_view global = known_global(module, name);
    if (global.empty()) {
      const std::string dotted = std::string(module) + "." + std::string(name);
      throw Error(ErrorCode::unsupported,
                  label() + ": the pickle names " + quote(dotted) +
                      "; only tensors in dicts are read, and nothing is executed: save the "
                      "model's state_dict() alone, best as safetensors");
    }
    push({Kind::global, 0, global, {}});
  }

  // BINPERSID: ('storage', torch.XStorage, key, location, number of elements); before PyTorch 1.6 a
  // sixth, what part of another storage it is: None for the whole.
  void load_storage() {
    // Copied, because push moves the pool; and only after its length is known to be small.
    const PickleValue& tuple = pop_value(Kind::tuple, "a tuple as persistent id");
    const bool whole = tuple.items.size() == 6 && value(tuple.items[5]).kind == Kind::none;
    const std::vector<PickleRef> id =
        tuple.items.size() == 5 || whole ? tuple.items : std::vector<PickleRef>();
    if (id.empty() || value(id[0]).kind != Kind::string || value(id[0]).text != "storage" ||
        value(id[1]).kind != Kind::global || value(id[2]).kind != Kind::string ||
        value(id[4]).kind != Kind::integer) {
      fail("expected the persistent id ('storage', type, key, location, size), found another");
    }
    PickleStorage storage;
    const auto* const known =
        std::find_if(kStorages.begin(), kStorages.end(),
                     [&](const StorageName& s) { return s.global == value(id[1]).text; });
    if (known == kStorages.end()) fail("expected a storage type in the persistent id");
    storage.dtype = known->dtype;
    storage.key = value(id[2]).text;
    const auto elements = Size::of(value(id[4]).number);
    if (!elements) fail("storage " + quote(storage.key) + ": its number of elements is negative");
    storage.elements = *elements;
    push({Kind::storage, static_cast<std::int64_t>(out_.storages.size()), storage.key, {}});
    out_.storages.push_back(storage);
  }

  void reduce() {
    const PickleRef arguments_ref = pop();
    if (value(arguments_ref).kind != Kind::tuple ||
        value(arguments_ref).items.size() > kMaxArguments) {
      fail("expected a tuple of at most " + std::to_string(kMaxArguments) + " arguments");
    }
    const std::vector<PickleRef> arguments = value(arguments_ref).items;
    const std::string_view callee = pop_value(Kind::global, "a known name to build a value").text;
    if (callee == kOrderedDict && arguments.empty()) {
      push({Kind::dict, 0, {}, {}});
    } else if ((callee == kRebuildTensor && arguments.size() >= 6) ||
               (callee == kRebuildOldTensor && arguments.size() == 4)) {
      rebuild_tensor(arguments);
    } else if (callee == kRebuildParameter && arguments.size() == 3 &&
               value(arguments[0]).kind == Kind::tensor) {
      push_again(arguments[0]);  // (data, requires_grad, hooks): its data
    } else if (callee == kSize && arguments.size() == 1 &&
               value(arguments[0]).kind == Kind::tuple) {
      push_again(arguments[0]);
    } else {
      std::string name(callee);
      std::replace(name.begin(), name.end(), '\n', '.');
      fail(quote(name) + " has arguments of an unexpected kind");
    }
  }

  // (storage, offset, size, stride[, requires_grad, backward_hooks[, metadata]])
  void rebuild_tensor(const std::vector<PickleRef>& arguments) {
    if (value(arguments[0]).kind != Kind::storage || value(arguments[1]).kind != Kind::integer ||
        value(arguments[2]).kind != Kind::tuple || value(arguments[3]).kind != Kind::tuple) {
      fail("a tensor has arguments of an unexpected kind");
    }
    PickleTensor tensor;
    tensor.storage = out_.storages[static_cast<std::size_t>(value(arguments[0]).number)];
    const auto offset = Size::of(value(arguments[1]).number);
    tensor.shape = sizes(arguments[2], "shape");
    tensor.strides = sizes(arguments[3], "stride");
    if (!offset || tensor.shape.size() != tensor.strides.size()) {
      fail("tensor of storage " + quote(tensor.storage.key) +
           ": its offset is negative, or shape and stride differ in length");
    }
    tensor.offset = *offset;
    push({Kind::tensor, static_cast<std::int64_t>(out_.tensors.size()), {}, {}});
    out_.tensors.push_back(std::move(tensor));
  }

  std::vector<Size> sizes(PickleRef tuple, const char* what) const {
    const std::vector<PickleRef>& items = value(tuple).items;
    if (items.size() > static_cast<std::size_t>(kMaxRank)) {
      fail(std::string("a tensor's ") + what + " has more than " + std::to_string(kMaxRank) +
           " dimensions");
    }
    std::vector<Size> numbers;
    for (const PickleRef item : items) {
      const auto number =
          value(item).kind == Kind::integer ? Size::of(value(item).number) : std::nullopt;
      if (!number) {
        fail(std::string("a tensor's ") + what + ": expected integers that are not negative");
      }
      numbers.push_back(*number);
    }
    return numbers;
  }

  // The attributes that a module hangs on its state dict (_metadata): not needed.
  void build() {
    pop();
    if (value(top()).kind != Kind::dict) fail("expected a dict to set attributes on");
  }

  // --- errors

  [[noreturn]] void refuse_opcode(std::uint8_t opcode) const {
    throw Error(ErrorCode::unsupported,
                label() + ": pickle opcode " + std::to_string(opcode) + " at byte " +
                    std::to_string(place() - 1) +
                    " is none that a state dict needs: save the model's state_dict() alone, best "
                    "as safetensors");
  }
};

}  // namespace

Unpickled unpickle(std::span<const std::byte> pickle, const std::string& label) {
  return Machine(pickle, label).run();
}

}  // namespace sapwood
