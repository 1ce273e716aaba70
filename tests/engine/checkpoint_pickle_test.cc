// pytorch_model.bin: good archives, and hostile ones. Over 400 lines, most of them pickles written opcode by opcode.
#include <iostream>
#include <limits>
#include <numeric>

#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/pickle.h"
#include "checkpoint/unpickle.h"
#include "checkpoint_pickle_files.h"

using namespace sapwood;
using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

const std::vector<float> kNumbers = [] {
  std::vector<float> numbers(24);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  return numbers;
}();

const Storages kStorages{{"0", bytes_of(kNumbers)}};
const std::string kStorage = op::storage("FloatStorage", "0", 24);

TensorSource open_pickle(const ScratchDir& dir, const std::string& pickle,
                         const Storages& storages = kStorages) {
  return open_pytorch_bin(dir.write("m.bin", zip_archive(torch_entries(pickle, storages))));
}

std::vector<float> values(const TensorView& tensor) {
  std::vector<float> out(static_cast<std::size_t>(tensor.elements()));
  to_float(tensor, out.data());
  return out;
}

void archive_refused(const std::vector<ZipEntry>& entries, ErrorCode code,
                     std::vector<std::string> parts) {
  const ScratchDir dir;
  const auto path = dir.write("pytorch_model.bin", zip_archive(entries));
  parts.push_back(path.string());
  check_refused([&] { open_pytorch_bin(path); }, code, parts);
}

void pickle_refused(const std::string& pickle, ErrorCode code,
                    const std::vector<std::string>& parts) {
  archive_refused(torch_entries(pickle, kStorages), code, parts);
}

void tensor_refused(const std::string& tensor, const std::vector<std::string>& parts) {
  pickle_refused(op::state_dict(op::text("w") + tensor), ErrorCode::malformed, parts);
}

}  // namespace

TEST_CASE("pickle: a state dict with views, tied tensors, a scalar, parameters and other values") {
  const ScratchDir dir;
  const std::string parameter = op::global("torch._utils", "_rebuild_parameter") + op::kMark +
                                op::tensor(kStorage, 0, {4, 6}, {6, 1}) + op::kFalse +
                                op::ordered_dict() + op::kTuple + op::kReduce;
  const TensorSource source = open_pickle(
      dir, op::state_dict(op::text("a") + op::tensor(kStorage, 0, {4, 6}, {6, 1}) +
                          op::text("tied") + parameter +                                //
                          op::text("t") + op::tensor(kStorage, 0, {6, 4}, {1, 6}) +     //
                          op::text("s") + op::tensor(kStorage, 6, {2, 3}, {6, 2}) +     //
                          op::text("scalar") + op::tensor(kStorage, 5, {}, {}) +        //
                          op::text("none") + op::tensor(kStorage, 0, {0, 4}, {4, 1}) +  //
                          op::text("odd") + op::tensor(kStorage, 2, {1, 3}, {99, 1}) +  //
                          op::text("epoch") + op::number(3) +                           //
                          op::text("rate") + "G" + std::string(8, '\0') +               //
                          op::text("size") + op::global("torch", "Size") +              //
                          op::tuple({2, 3}) + "\x85R" +                                 //
                          op::text("list") + "](K\1M\2\3e" + op::text("nothing") + "N"));
  CHECK(source.names() == std::vector<std::string>{"a", "tied", "t", "s", "scalar", "none", "odd"});
  CHECK(values(source.at("a")) == kNumbers);
  CHECK(source.at("tied").data == source.at("a").data);
  std::vector<float> transposed;
  for (int column = 0; column < 6; ++column) {
    for (int row = 0; row < 4; ++row) transposed.push_back(static_cast<float>(row * 6 + column));
  }
  CHECK(values(source.at("t")) == transposed);
  CHECK(values(source.at("s")) == std::vector<float>{6, 8, 10, 12, 14, 16});
  CHECK(values(source.at("scalar")) == std::vector<float>{5});
  CHECK(source.at("none").bytes == 0);
  CHECK(values(source.at("odd")) == std::vector<float>{2, 3, 4});
  CHECK(source.metadata().empty());
}

// Its steps are never taken; under the sanitizer of undefined behaviour no sum with one may overflow.
TEST_CASE("pickle: a dimension of one may have any stride") {
  const ScratchDir dir;
  const std::int64_t far = std::numeric_limits<std::int64_t>::max();
  const TensorSource source = open_pickle(
      dir, op::state_dict(op::text("w") + op::tensor(kStorage, 2, {2, 1, 2}, {1, far, 6})));
  CHECK(values(source.at("w")) == std::vector<float>{2, 8, 3, 9});
}

TEST_CASE("pickle: every storage type") {
  const ScratchDir dir;
  const std::pair<const char*, TensorDtype> types[] = {
      {"FloatStorage", TensorDtype::f32},     {"HalfStorage", TensorDtype::f16},
      {"BFloat16Storage", TensorDtype::bf16}, {"DoubleStorage", TensorDtype::f64},
      {"LongStorage", TensorDtype::i64},      {"IntStorage", TensorDtype::i32},
      {"ShortStorage", TensorDtype::i16},     {"CharStorage", TensorDtype::i8},
      {"ByteStorage", TensorDtype::u8},       {"BoolStorage", TensorDtype::bool_}};
  for (const auto& [name, dtype] : types) {
    const TensorSource source = open_pickle(
        dir, op::state_dict(op::text("w") + op::tensor(op::storage(name, "0", 12), 0, {3}, {2})));
    CHECK(source.at("w").dtype == dtype);
    CHECK(source.at("w").bytes == 3 * dtype_size(dtype));
  }
}

TEST_CASE("pickle: wrapped state dicts, attributes, memo") {
  const ScratchDir dir;
  const std::string inner = op::ordered_dict() +
                            op::set_items(op::text("w") + op::tensor(kStorage, 0, {24}, {1})) +
                            // module.state_dict() hangs _metadata on the dict
                            op::kEmptyDict + op::text("_metadata") + op::kEmptyDict + "sb";
  for (const char* key : {"state_dict", "model", "model_state_dict"}) {
    const TensorSource source = open_pickle(
        dir, op::kProto + op::kEmptyDict + op::set_items(op::text(key) + inner) + op::kStop);
    CHECK(source.names() == std::vector<std::string>{"w"});
  }
  // One storage memorised and recalled, by both widths of number.
  const std::string recalled = op::state_dict(
      op::text("a") + op::tensor(kStorage + "q\7", 0, {24}, {1}) + op::text("b") +
      op::tensor("h\7" + ("r" + little_endian(std::uint32_t{300})), 0, {2}, {1}) + op::text("c") +
      op::tensor("j" + little_endian(std::uint32_t{300}), 1, {2}, {1}));
  CHECK(values(open_pickle(dir, recalled).at("c")) == std::vector<float>{1, 2});
}

TEST_CASE("pickle: names that run code are refused by name and nothing runs") {
  const std::pair<const char*, const char*> calls[] = {{"os", "system"},
                                                       {"posix", "system"},
                                                       {"builtins", "eval"},
                                                       {"builtins", "exec"},
                                                       {"subprocess", "Popen"},
                                                       {"__builtin__", "getattr"},
                                                       {"torch", "load"},
                                                       {"collections", "Counter"},
                                                       {"torch._utils", "_rebuild_tensor_v3"},
                                                       {"torch", "FloatStoragex"},
                                                       {"numpy.core.multiarray", "_reconstruct"}};
  const ScratchDir dir;
  for (const auto& [module, name] : calls) {
    const std::string call = op::global(module, name) + op::kMark +
                             op::text("touch " + (dir / "ran").string()) + op::kTuple + op::kReduce;
    const std::string dotted = std::string("'") + module + "." + name + "'";
    pickle_refused(op::state_dict(op::text("w") + call), ErrorCode::unsupported, {dotted});
    pickle_refused(op::kProto + call + op::kStop, ErrorCode::unsupported, {dotted});
  }
  CHECK_FALSE(fs::exists(dir / "ran"));
}

TEST_CASE("pickle: opcodes that state dicts do not have") {
  // INST, OBJ, NEWOBJ, EXT1, PERSID, BUILD on what is no dict, text opcodes
  for (const char* opcode : {"i", "o", "\x81", "\x82", "P", "I", "S", "V", "0", "2", "\xff"}) {
    pickle_refused(op::kProto + op::kEmptyDict + opcode + std::string(16, '\0'),
                   ErrorCode::unsupported, {"opcode"});
  }
  pickle_refused("\x80\6.", ErrorCode::unsupported, {"protocol 6"});
  pickle_refused("hello", ErrorCode::malformed, {"protocol 2"});
  pickle_refused(op::kProto + "NNb.", ErrorCode::malformed, {"attributes"});
}

TEST_CASE("pickle: known names with wrong arguments") {
  const std::string rebuild = op::global("torch._utils", "_rebuild_tensor_v2");
  pickle_refused(op::kProto + rebuild + ")R.", ErrorCode::malformed, {"_rebuild_tensor_v2"});
  pickle_refused(op::kProto + rebuild + "(NNNNNNtR.", ErrorCode::malformed, {"arguments"});
  pickle_refused(op::kProto + op::global("collections", "OrderedDict") + "N\x85R.",
                 ErrorCode::malformed, {"collections.OrderedDict"});
  pickle_refused(op::kProto + op::global("torch", "FloatStorage") + ")R.", ErrorCode::malformed,
                 {"torch.FloatStorage"});
  pickle_refused(op::kProto + "N)R.", ErrorCode::malformed, {"a known name"});
  pickle_refused(op::kProto + "NQ.", ErrorCode::malformed, {"persistent id"});
  pickle_refused(op::kProto + "(NNNNNtQ.", ErrorCode::malformed, {"persistent id"});
}

TEST_CASE("pickle: stack, memo and text that are not what they should be") {
  for (const char* bad : {"",         ".",
                          "N",        "a.",
                          "t.",       "u.",
                          "s.",       "e.",
                          "\x85.",    "R.",
                          "b.",       "Q.",
                          "h\5.",     "q\1.",
                          "(q\1.",    "NN.",
                          "}(NNNu.",  "N(u.",
                          "(.",       "c",
                          "cos",      "K",
                          "M\1",      "J\1\2",
                          "\x8a\xff", "X\xff\xff\xff\xff",
                          "X\5",      "G\1",
                          "r\1",      "j\1\1\1\1."}) {
    INFO(bad);
    pickle_refused(op::kProto + bad, ErrorCode::malformed, {"pickle"});
  }
  pickle_refused(op::kProto + "Nr" + little_endian(0xffffffffU) + ".", ErrorCode::malformed,
                 {"memorises"});
}

TEST_CASE("pickle: deep nesting and endless values neither overflow nor fill the memory") {
  std::string deep = op::kProto + "]";
  for (int i = 0; i < 100'000; ++i) deep += "](";  // lists and marks
  pickle_refused(deep + op::kStop, ErrorCode::malformed, {"pickle"});
  std::string nested = op::kProto + ")";
  for (int i = 0; i < 100'000; ++i) nested += "\x85";  // a tuple in a tuple in a tuple ...
  pickle_refused(nested + op::kStop, ErrorCode::malformed, {"dict of tensors"});
  pickle_refused(op::kProto + std::string(3'000'000, ')'), ErrorCode::malformed,
                 {"at most 524288 values"});
  pickle_refused(op::kProto + std::string(3'000'000, '('), ErrorCode::malformed,
                 {"at most 524288 marks"});
  std::string recalls = op::kProto + "Nq\1";
  for (int i = 0; i < 1'500'000; ++i) recalls += "h\1";
  pickle_refused(recalls, ErrorCode::malformed, {"recalls"});
}

TEST_CASE("pickle: a call that copies a huge tuple again and again is refused") {
  std::string huge = op::kProto + "(" + std::string(400'000, 'N') + "tq\1";
  for (int i = 0; i < 1000; ++i) {
    huge += op::global("torch._utils", "_rebuild_tensor_v2") + "h\1R";
  }
  pickle_refused(huge, ErrorCode::malformed, {"arguments"});
}

TEST_CASE("pickle: tensors that reach out of their storage") {
  tensor_refused(op::tensor(kStorage, 0, {25}, {1}), {"'w'", "24 elements"});
  tensor_refused(op::tensor(kStorage, 1, {24}, {1}), {"'w'", "24 elements"});
  tensor_refused(op::tensor(kStorage, 0, {4, 6}, {7, 1}), {"'w'", "24 elements"});
  tensor_refused(op::tensor(kStorage, 24, {}, {}), {"'w'", "24 elements"});
  tensor_refused(op::tensor(kStorage, std::int64_t{1} << 62, {2}, {std::int64_t{1} << 62}),
                 {"'w'"});
  tensor_refused(op::tensor(kStorage, 0, {std::int64_t{1} << 32, std::int64_t{1} << 32}, {1, 1}),
                 {"'w'", "2^63"});
  tensor_refused(op::tensor(kStorage, 0, {std::int64_t{1} << 61}, {0}), {"'w'", "2^63"});
  tensor_refused(op::tensor(kStorage, -1, {2}, {1}), {"offset is negative"});
  tensor_refused(op::tensor(kStorage, 0, {-2}, {1}), {"shape"});
  tensor_refused(op::tensor(kStorage, 23, {2}, {-1}), {"stride"});
  tensor_refused(op::tensor(kStorage, 0, {2, 2}, {1}), {"differ in length"});
  tensor_refused(
      op::tensor(kStorage, 0, std::vector<std::int64_t>(40, 1), std::vector<std::int64_t>(40, 1)),
      {"32 dimensions"});
  tensor_refused(op::tensor(op::storage("FloatStorage", "0", 25), 0, {2}, {1}),
                 {"'w'", "claims 25 elements"});
  tensor_refused(op::tensor(op::storage("DoubleStorage", "0", 24), 0, {2}, {1}),
                 {"'w'", "claims 24 elements"});
  tensor_refused(op::tensor(op::storage("DoubleStorage", "0", std::int64_t{1} << 61), 0, {2}, {1}),
                 {"'w'", "claims"});
  tensor_refused(op::tensor(op::storage("FloatStorage", "7", 24), 0, {2}, {1}),
                 {"'w'", "not in the archive"});
  tensor_refused(op::tensor(op::storage("FloatStorage", "../data.pkl", 4), 0, {2}, {1}),
                 {"'w'", "not in the archive"});
  tensor_refused(op::tensor(op::storage("FloatStorage", "0", -1), 0, {2}, {1}), {"negative"});
}

TEST_CASE("pickle: expanded views cannot fill the memory") {
  pickle_refused(op::state_dict(op::text("w") + op::tensor(kStorage, 0, {1'000'000}, {0})),
                 ErrorCode::unsupported, {"'w'", "expanded"});
  std::string many;  // each copies the storage; together far more than the file holds
  const std::string view = op::tensor("h\7", 0, {6, 4}, {1, 6});
  for (int i = 0; i < 4000; ++i) many += op::text("t" + std::to_string(i)) + (i == 0 ? "" : "h\10");
  many = op::state_dict(op::text("s") + op::tensor(kStorage + "q\7", 0, {6, 4}, {1, 6}) +
                        op::text("t") + view + "q\10" + many.substr(op::text("t0").size()));
  pickle_refused(many, ErrorCode::unsupported, {"expanded"});
}

TEST_CASE("pickle: dicts that are no state dict") {
  const auto malformed = ErrorCode::malformed;
  pickle_refused(op::kProto + "N.", malformed, {"dict of tensors"});
  pickle_refused(op::kProto + "}.", malformed, {"no tensors"});
  pickle_refused(op::state_dict(op::text("epoch") + op::number(1)), malformed, {"no tensors"});
  pickle_refused(op::state_dict(op::text("model") + op::kEmptyDict), malformed, {"no tensors"});
  const std::string w = op::text("w") + op::tensor(kStorage, 0, {2}, {1});
  pickle_refused(op::state_dict(w + w), malformed, {"'w'", "twice"});
  pickle_refused(op::state_dict(op::text("\xff") + op::tensor(kStorage, 0, {2}, {1})), malformed,
                 {"\\xff", "UTF-8"});
}

TEST_CASE("archive: bombs, compression, duplicates, wrong byte order, damage") {
  const std::string good = op::state_dict(op::text("w") + op::tensor(kStorage, 0, {24}, {1}));
  auto entries = torch_entries(good, kStorages);
  entries[2].claimed_size = 4'000'000'000;
  archive_refused(entries, ErrorCode::malformed, {"4000000000"});
  entries[2].claimed_compressed = 4'000'000'000;
  archive_refused(entries, ErrorCode::malformed, {"zip"});

  entries = torch_entries(good, kStorages);
  entries[2].method = 8;
  archive_refused(entries, ErrorCode::unsupported, {"archive/data/0", "compressed"});

  entries = torch_entries(good, kStorages);
  entries.push_back({"archive/data/0", bytes_of(kNumbers)});
  archive_refused(entries, ErrorCode::malformed, {"archive/data/0", "twice"});

  entries = torch_entries(good, kStorages);
  entries.push_back({"other/data.pkl", good});
  archive_refused(entries, ErrorCode::malformed, {"data.pkl", "two"});

  entries = torch_entries(good, kStorages);
  entries[1].bytes = "big";
  archive_refused(entries, ErrorCode::unsupported, {"byteorder", "'big'"});

  archive_refused({{"archive/other", "x"}}, ErrorCode::malformed, {"data.pkl"});
  archive_refused({{"data.pkl", good}}, ErrorCode::malformed, {"data.pkl"});

  const ScratchDir dir;
  std::string bytes = zip_archive(torch_entries(good, kStorages));
  const std::size_t at = bytes.find(bytes_of(kNumbers));
  bytes[at + 5] = static_cast<char>(bytes[at + 5] ^ 1);
  check_refused([&] { open_pytorch_bin(dir.write("m", bytes)); }, ErrorCode::malformed,
                {"zip entry", "damaged"});
}

TEST_CASE("archive: a pointer and a page are named for what they are") {
  const ScratchDir dir;
  check_refused(
      [&] { open_pytorch_bin(dir.write("m.bin", "version https://git-lfs.github.com/spec/v1\n")); },
      ErrorCode::malformed, {"git lfs pull"});
  check_refused([&] { open_pytorch_bin(dir.write("m.bin", "<html>")); }, ErrorCode::malformed,
                {"HTML"});
}

TEST_CASE("archive: every cut and every changed byte is refused or harmless") {
  const std::string good = zip_archive(torch_entries(
      op::state_dict(op::text("w") + op::tensor(kStorage, 0, {6, 4}, {1, 6})), kStorages));
  const ScratchDir dir;
  const auto try_open = [&](const std::string& bytes) {
    try {
      const TensorSource source = open_pytorch_bin(dir.write("m", bytes));
      for (const TensorView& tensor : source.tensors()) {
        if (is_floating(tensor.dtype)) values(tensor);  // sanitizers see a read outside
      }
      return true;
    } catch (const Error&) {
      return false;
    }
  };
  REQUIRE(try_open(good));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_FALSE(try_open(good.substr(0, n)));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x15);
    try_open(bad);
  }
}

TEST_CASE("pickle: every changed byte of the opcodes is refused or harmless") {
  const std::string good =
      op::state_dict(op::text("w") + op::tensor(kStorage + "q\1", 0, {6, 4}, {1, 6}));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string bad = good;
      bad[i] = static_cast<char>(value);
      try {
        unpickle(std::as_bytes(std::span(bad.data(), bad.size())), "label");
      } catch (const Error&) {
      }
    }
  }
  SUCCEED("no crash");
}

TEST_CASE("pickle: real checkpoints have the values that torch reads from them") {
  const fs::path golden = fs::path(SAPWOOD_SOURCE_DIR) / "../shared/data/golden/crammed";
  if (!fs::exists(golden)) {
    std::cout << "skipped: " << golden.string() << " is absent\n";
    return;
  }
  struct Expected {
    const char* model;
    std::size_t tensors;
    const char* name;
    std::vector<std::int64_t> shape;
    double sum;
    float last;
  };
  const Expected expected[] = {
      {"crammed-dense-geluglu-mlm-bin",
       25,
       "encoder.embedding.word_embedding.weight",
       {1200, 64},
       -14.026147830094374,
       0.008869477547705173F},
      {"crammed-dense-geluglu-mlm-bin",
       25,
       "encoder.final_norm.bias",
       {64},
       1.13092982606031,
       0.06368847191333771F},
      {"ultrafast-3x2-cls-bin",
       30,
       "encoder.embedding.word_embedding.weight",
       {1200, 64},
       24.373999649440893,
       -0.007217434700578451F},
      {"ultrafast-3x2-cls-bin",
       30,
       "head.weight",
       {2, 48},
       1.15973816436599,
       0.016546105965971947F},
  };
  for (const Expected& e : expected) {
    const TensorSource source = open_checkpoint(golden / e.model);
    CHECK(source.tensors().size() == e.tensors);
    const TensorView& tensor = source.at(e.name);
    CHECK(tensor.shape == e.shape);
    const std::vector<float> numbers = values(tensor);
    CHECK(std::accumulate(numbers.begin(), numbers.end(), 0.0) == Approx(e.sum).epsilon(1e-9));
    CHECK(numbers.back() == e.last);
  }
}
