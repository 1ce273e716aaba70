// pytorch_model.bin as PyTorch before 1.6 wrote it, and pickles of newer protocols: good files, and hostile ones.
#include <numeric>

#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/pickle.h"
#include "checkpoint_pickle_files.h"

using namespace sapwood;
using namespace sapwood::test;

namespace {

const std::vector<float> kFloats = [] {
  std::vector<float> numbers(12);
  std::iota(numbers.begin(), numbers.end(), 0.5F);
  return numbers;
}();

// The persistent id of the format: a sixth element says what part of another storage it is.
std::string old_storage(const std::string& type, const std::string& key, std::int64_t elements,
                        const std::string& view = "N") {
  return op::kMark + op::text("storage") + op::global("torch", type) + op::text(key) +
         op::text("cpu") + op::number(elements) + view + op::kTuple + "Q";
}

struct LegacyFile {
  std::string magic = std::string("\x80\2\x8a\nl\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  std::string protocol = op::kProto + "M\xe9\3.";
  std::string system = op::kProto + "}(" + op::text("little_endian") + "\x88" +
                       op::text("type_sizes") + "}(" + op::text("int") + "K\4uu.";
  std::string items =
      op::text("w") + op::tensor(old_storage("FloatStorage", "7", 12), 0, {3, 4}, {4, 1}) +
      op::text("t") + op::tensor(old_storage("FloatStorage", "7", 12), 0, {4, 3}, {1, 4});
  std::string keys = op::kProto + "](" + op::text("7") + "e.";
  std::string storages = little_endian(std::int64_t{12}) + bytes_of(kFloats);

  std::string bytes() const {
    return magic + protocol + system + op::state_dict(items) + keys + storages;
  }
};

std::vector<float> floats_of(const TensorView& tensor) {
  std::vector<float> out(static_cast<std::size_t>(tensor.elements()));
  to_float(tensor, out.data());
  return out;
}

void legacy_refused(const LegacyFile& file, ErrorCode code, const std::vector<std::string>& parts) {
  const ScratchDir dir;
  const auto path = dir.write("pytorch_model.bin", file.bytes());
  check_refused([&] { open_pytorch_bin(path); }, code, parts);
}

}  // namespace

TEST_CASE("legacy pickle: tensors, views and tied storages of a file before PyTorch 1.6") {
  const ScratchDir dir;
  const TensorSource source = open_pytorch_bin(dir.write("m.bin", LegacyFile().bytes()));
  CHECK(source.names() == std::vector<std::string>{"w", "t"});
  CHECK(floats_of(source.at("w")) == kFloats);
  std::vector<float> transposed;
  for (int column = 0; column < 4; ++column) {
    for (int row = 0; row < 3; ++row) {
      transposed.push_back(kFloats[static_cast<std::size_t>(row * 4 + column)]);
    }
  }
  CHECK(floats_of(source.at("t")) == transposed);
}

TEST_CASE("legacy pickle: what does not hold together is refused by name") {
  LegacyFile file;
  file.magic[5] = '\0';
  legacy_refused(file, ErrorCode::malformed, {"magic number"});
  file = {};
  file.protocol = op::kProto + "K\1.";
  legacy_refused(file, ErrorCode::malformed, {"protocol 1001"});
  file = {};
  file.system = op::kProto + "}" + op::text("little_endian") + "\x89s.";
  legacy_refused(file, ErrorCode::unsupported, {"little-endian"});
  file = {};
  file.keys = op::kProto + "](" + op::text("8") + "e.";
  legacy_refused(file, ErrorCode::malformed, {"'8'"});
  file = {};
  file.keys = op::kProto + "](" + op::text("7") + op::text("7") + "e.";
  file.storages += file.storages;
  legacy_refused(file, ErrorCode::malformed, {"'7'", "twice"});
  file = {};
  file.keys = op::kProto + "].";
  legacy_refused(file, ErrorCode::malformed, {"'w'", "'7'", "not in the file"});
  for (const std::int64_t count :
       {std::int64_t{13}, std::int64_t{-1}, std::int64_t{1} << 61, std::int64_t{1} << 62}) {
    INFO(count);
    file = {};
    file.storages = little_endian(count) + bytes_of(kFloats);
    legacy_refused(file, ErrorCode::malformed, {"'7'", "ends before"});
  }
  file = {};
  file.storages = little_endian(std::int64_t{11}) + bytes_of(kFloats);
  legacy_refused(file, ErrorCode::malformed, {"'w'", "claims 12 elements"});
  file = {};
  file.items = op::text("w") +
               op::tensor(old_storage("FloatStorage", "7", 12, op::tuple({1, 2, 3})), 0, {2}, {1});
  legacy_refused(file, ErrorCode::malformed, {"persistent id"});
  file = {};
  file.items = op::text("w") + op::global("os", "system");
  legacy_refused(file, ErrorCode::unsupported, {"'os.system'", "nothing is executed"});
}

TEST_CASE("legacy pickle: every cut and every changed byte is refused or harmless") {
  const ScratchDir dir;
  const std::string good = LegacyFile().bytes();
  const auto open_or_refuse = [&](const std::string& bytes) {
    try {
      const TensorSource source = open_pytorch_bin(dir.write("m.bin", bytes));
      for (const TensorView& tensor : source.tensors()) {
        if (is_floating(tensor.dtype)) floats_of(tensor);
      }
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  for (std::size_t size = 1; size < good.size(); ++size) {
    INFO("cut at " << size);
    CHECK_FALSE(open_or_refuse(good.substr(0, size)));
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int change : {1, 0x80, 0xff}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      open_or_refuse(bytes);
    }
  }
}

TEST_CASE("pickle: the opcodes of protocols 3 to 5") {
  const ScratchDir dir;
  const std::string memoize = "\x94", frame = "\x95" + std::string(8, '\0');
  const auto text = [&](const std::string& s) {
    return "\x8c" + std::string(1, static_cast<char>(s.size())) + s + memoize;
  };
  const auto global = [&](const std::string& module, const std::string& name) {
    return text(module) + text(name) + "\x93" + memoize;
  };
  const std::string storage = "(" + text("storage") + global("torch", "FloatStorage") + text("0") +
                              text("cpu") + "K\x0ct" + memoize + "Q";
  const std::string tensor = global("torch._utils", "_rebuild_tensor_v2") + "(" + storage +
                             std::string("K\0K\3K\4\x86", 7) + memoize + "K\4K\1\x86" + memoize +
                             "\x89" + global("collections", "OrderedDict") + ")R" + memoize + "t" +
                             memoize + "R" + memoize;
  for (const char protocol : {'\3', '\4', '\5'}) {
    INFO(static_cast<int>(protocol));
    std::string body = std::string("\x80") + protocol + frame;
    body += "}" + memoize + "(" + text("w");
    body += tensor + "u.";
    const TensorSource source = open_pytorch_bin(
        dir.write("m.bin", zip_archive(torch_entries(body, {{"0", bytes_of(kFloats)}}))));
    CHECK(floats_of(source.at("w")) == kFloats);
  }
  for (const char protocol : {'\1', '\6'}) {
    const std::string body = std::string("\x80") + protocol + "}.";
    check_refused(
        [&] { open_pytorch_bin(dir.write("m.bin", zip_archive(torch_entries(body, {})))); },
        ErrorCode::unsupported, {"protocol 2 to 5"});
  }
}
