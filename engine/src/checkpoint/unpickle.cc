// Reads a pickle as data. Over 400 lines by two, because the machine's steps share its stack.
#include "checkpoint/unpickle.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/quote.h"
#include "checkpoint/pickle_bytes.h"
#include "checkpoint/safetensors.h"

namespace sapwood {
namespace {

using Kind = PickleValue::Kind;

// A tensor takes some 20 values: enough for 25,000 tensors, far more than an encoder has, and few
// enough to be harmless.
constexpr std::size_t kMaxValues = 1 << 19;
constexpr std::size_t kMaxArguments = 8;  // _rebuild_tensor_v2 takes 6 or 7
constexpr PickleRef kMark = 0xffffffff;   // on the stack only

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
constexpr std::string_view kRebuildParameter = "torch._utils\n_rebuild_parameter";
constexpr std::string_view kSize = "torch\nSize";

bool is_known_global(std::string_view global) {
  return global == kOrderedDict || global == kRebuildTensor || global == kRebuildParameter ||
         global == kSize ||
         std::any_of(kStorages.begin(), kStorages.end(),
                     [&](const StorageName& storage) { return storage.global == global; });
}

class Machine : PickleBytes {
 public:
  Machine(std::span<const std::byte> pickle, const std::string& label)
      : PickleBytes(pickle, label) {}

  Unpickled run() {
    if (take_byte() != 0x80) fail("expected a pickle of protocol 2, found something else");
    const std::uint8_t protocol = take_byte();
    if (protocol != 2) {
      throw Error(ErrorCode::unsupported,
                  label() + ": expected a pickle of protocol 2, found protocol " +
                      std::to_string(protocol) + ": save it again without pickle_protocol");
    }
    while (step()) {
    }
    out_.root = pop();
    if (!stack_.empty()) fail("expected one value at the end, found more");
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
        push({Kind::string, 0, take(take_number<std::uint32_t>()), {}});
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
      case 'c':
        push_global();
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

  // --- stack, memo and pool

  void push(PickleValue value) {
    if (out_.values.size() == kMaxValues) {
      fail("expected at most " + std::to_string(kMaxValues) + " values, found more");
    }
    stack_.push_back(static_cast<PickleRef>(out_.values.size()));
    out_.values.push_back(std::move(value));
  }

  void push_mark() {
    if (++marks_ > kMaxValues) {
      fail("expected at most " + std::to_string(kMaxValues) + " marks, found more");
    }
    stack_.push_back(kMark);
  }

  void push_integer(std::int64_t value) { push({Kind::integer, value, {}, {}}); }

  PickleRef top() const {
    if (stack_.empty() || stack_.back() == kMark) fail("expected a value on the stack, found none");
    return stack_.back();
  }

  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }

  const PickleValue& value(PickleRef ref) const { return out_.values[ref]; }

  const PickleValue& pop_value(Kind kind, const char* what) {
    const PickleValue& popped = value(pop());
    if (popped.kind != kind) fail(std::string("expected ") + what + ", found something else");
    return popped;
  }

  std::vector<PickleRef> pop_to_mark() {
    const auto mark = std::find(stack_.rbegin(), stack_.rend(), kMark).base();
    if (mark == stack_.begin()) fail("expected a mark on the stack, found none");
    std::vector<PickleRef> items(mark, stack_.end());
    stack_.erase(mark - 1, stack_.end());
    return items;
  }

  void push_tuple(std::size_t n) {
    std::vector<PickleRef> items(n);
    for (std::size_t i = n; i-- > 0;) items[i] = pop();
    push({Kind::tuple, 0, {}, std::move(items)});
  }

  void append(const std::vector<PickleRef>& items, Kind kind) {
    PickleValue& target = out_.values[top()];
    if (target.kind != kind) fail("items are added to something that is not their container");
    if (kind == Kind::dict && items.size() % 2 != 0) fail("a dict is given a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void memorise(std::uint32_t number) {
    if (number >= kMaxValues) fail("memorises a value under a number that is too large");
    if (number >= memo_.size()) memo_.resize(number + 1, kMark);
    memo_[number] = top();
  }

  void recall(std::uint32_t number) {
    if (number >= memo_.size() || memo_[number] == kMark) {
      fail("refers to a value that was not memorised");
    }
    // A hostile pickle could grow the stack or a list by recalling one value again and again; real
    // ones recall a few names and keys a tensor.
    if (++recalled_ > kMaxValues) fail("recalls values too often");
    stack_.push_back(memo_[number]);
  }

  // --- what torch.save builds

  void push_global() {
    const char* const begin = data();
    const std::string_view module = take_line();
    const std::string_view name = take_line();
    const std::string_view global(begin, module.size() + 1 + name.size());
    if (!is_known_global(global)) {
      const std::string dotted = std::string(module) + "." + std::string(name);
      throw Error(ErrorCode::unsupported,
                  label() + ": the pickle names " + quote(dotted) +
                      "; only tensors in dicts are read, and nothing is executed: save the "
                      "model's state_dict() alone, best as safetensors");
    }
    push({Kind::global, 0, global, {}});
  }

  // BINPERSID: ('storage', torch.XStorage, key, location, number of elements).
  void load_storage() {
    // Copied, because push moves the pool; and only after its length is known to be small.
    const PickleValue& tuple = pop_value(Kind::tuple, "a tuple as persistent id");
    const std::vector<PickleRef> id =
        tuple.items.size() == 5 ? tuple.items : std::vector<PickleRef>();
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
    } else if (callee == kRebuildTensor && arguments.size() >= 6) {
      rebuild_tensor(arguments);
    } else if (callee == kRebuildParameter && arguments.size() == 3 &&
               value(arguments[0]).kind == Kind::tensor) {
      stack_.push_back(arguments[0]);  // (data, requires_grad, hooks): its data
    } else if (callee == kSize && arguments.size() == 1 &&
               value(arguments[0]).kind == Kind::tuple) {
      stack_.push_back(arguments[0]);
    } else {
      std::string name(callee);
      std::replace(name.begin(), name.end(), '\n', '.');
      fail(quote(name) + " has arguments of an unexpected kind");
    }
  }

  // (storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
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

  Unpickled out_;
  std::vector<PickleRef> stack_;
  std::vector<PickleRef> memo_;  // kMark where nothing is memorised
  std::size_t marks_ = 0;
  std::size_t recalled_ = 0;
};

}  // namespace

Unpickled unpickle(std::span<const std::byte> pickle, const std::string& label) {
  return Machine(pickle, label).run();
}

}  // namespace sapwood
