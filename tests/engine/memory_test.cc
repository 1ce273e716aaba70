// Models that are loaded from memory: the bytes of a converted file, and the files of a directory.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "catch.h"
#include "golden.h"
#include "model_state.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"

namespace sapwood::test {
namespace {

using Bytes = std::vector<std::byte>;

Bytes read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// The files of a directory, and those of the directories in it.
struct Files {
  explicit Files(const fs::path& directory) {
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file() || entry.path().filename() == "expected.json") continue;
      names.push_back(fs::relative(entry.path(), directory).generic_string());
      contents.push_back(read_bytes(entry.path()));
    }
  }

  std::vector<NamedBuffer> buffers() const {
    std::vector<NamedBuffer> list;
    for (std::size_t i = 0; i < names.size(); ++i) list.push_back({names[i], contents[i]});
    return list;
  }

  Bytes& at(const std::string& name) {
    return contents[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) -
                                             names.begin())];
  }

  void erase(const std::string& name) {
    const auto i = std::find(names.begin(), names.end(), name) - names.begin();
    names.erase(names.begin() + i);
    contents.erase(contents.begin() + i);
  }

  // So that whoever still looks there finds something else.
  void spoil() {
    for (Bytes& bytes : contents) std::fill(bytes.begin(), bytes.end(), std::byte{0xff});
  }

  std::vector<std::string> names;
  std::vector<Bytes> contents;
};

// Bytes that begin `offset` behind a multiple of 64.
struct Placed {
  Placed(const Bytes& bytes, std::size_t offset) : memory(bytes.size() + 128) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    std::byte* const begin = memory.data() + (64 - address % 64) % 64 + offset;
    std::copy(bytes.begin(), bytes.end(), begin);
    view = {begin, bytes.size()};
  }
  Bytes memory;
  std::span<std::byte> view;
};

// Bitwise: == would let -0 pass for 0 and never accept NaN.
bool same_bits(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return x.size() == y.size() &&
                  std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
         });
}

void check_same(const Model& found, const Model& expected) {
  CHECK(found.config().labels == expected.config().labels);
  CHECK(found.max_length() == expected.max_length());
  CHECK(found.notices().size() == expected.notices().size());
  CHECK(inspect(found).unused_tensors == inspect(expected).unused_tensors);
  const std::string text = "Crème brûlée in Zürich, [MASK] 🙂 again";
  CHECK(found.encode(text).ids == expected.encode(text).ids);
  const RandomTexts texts(expected, 5, 9);
  for (const Output output : {Output::hidden, Output::head}) {
    if (output == Output::head && expected.config().head == HeadKind::none) continue;
    CHECK(same_bits(run(found, texts.sequences, output), run(expected, texts.sequences, output)));
  }
}

template <class Action>
std::string error_of(const Action& action, ErrorCode code) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(to_string(error.code()) == to_string(code));
    return error.what();
  }
  FAIL_CHECK("expected an error");
  return "";
}

TEST_CASE("a directory in memory answers with the bits of the directory", "[memory]") {
  for (const fs::path& folder : subdirectories(golden_dir())) {
    for (const WeightType dtype : {WeightType::automatic, WeightType::int8}) {
      INFO("checkpoint: " << folder.filename() << ", " << to_string(dtype));
      auto files = std::make_unique<Files>(folder);
      const Model model = Model::load(files->buffers(), {.dtype = dtype});
      // Nothing of the model looks into the buffers any more.
      files->spoil();
      files.reset();
      check_same(model, Model::load(folder, {.dtype = dtype}));
      CHECK(model.path() == "memory");
    }
  }
}

TEST_CASE("a converted file in memory answers with the bits of the file", "[memory]") {
  const fs::path path = source_dir() / "models/minilm-fff-sst2/model.safetensors";
  const Model expected = Model::load(path);
  const Bytes bytes = read_bytes(path);
  const auto in_place = [](const Model& model, std::span<const std::byte> view) {
    const auto& tensors = state_of(model).parts.weights.tensors();
    REQUIRE(!tensors.empty());
    return std::all_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
      return tensor.second.data >= view.data() && tensor.second.data < view.data() + view.size();
    });
  };
  SECTION("aligned: read where it is") {
    const Placed placed(bytes, 0);
    const Model model = Model::load(placed.view, {.name = "sst2"});
    CHECK(in_place(model, placed.view));
    CHECK(model.path() == "sst2");
    check_same(model, expected);
  }
  SECTION("aligned, and to be copied") {
    auto placed = std::make_unique<Placed>(bytes, 0);
    const Model model = Model::load(placed->view, {.copy_weights = true});
    CHECK_FALSE(in_place(model, placed->view));
    std::fill(placed->view.begin(), placed->view.end(), std::byte{0xff});
    placed.reset();
    check_same(model, expected);
  }
  for (const std::size_t offset : {1, 4, 32, 63}) {
    DYNAMIC_SECTION("not aligned: " << offset) {
      auto placed = std::make_unique<Placed>(bytes, offset);
      const Model model = Model::load(placed->view);
      CHECK_FALSE(in_place(model, placed->view));
      std::fill(placed->view.begin(), placed->view.end(), std::byte{0xff});
      placed.reset();
      check_same(model, expected);
    }
  }
  SECTION("another type than it holds") {
    const Placed placed(bytes, 0);
    const WeightType other = inspect(expected).dtype == "int8" ? WeightType::f32 : WeightType::int8;
    CHECK_THAT(error_of([&] { Model::load(placed.view, {.dtype = other, .name = "sst2"}); },
                        ErrorCode::unsupported),
               ContainsSubstring("sst2: ") && ContainsSubstring(std::string(to_string(other))));
  }
}

TEST_CASE("a tokenizer from files in memory is the directory's", "[memory]") {
  for (const char* name : {"bert-cross-encoder", "bert-ner-vocab-cased", "st-bert-mean"}) {
    INFO(name);
    Files files(golden_dir() / name);
    const LoadedTokenizer found = load_tokenizer(files.buffers());
    const LoadedTokenizer expected = load_tokenizer(golden_dir() / name);
    files.spoil();
    CHECK(found.max_length == expected.max_length);
    CHECK(found.tokenizer.to_json() == expected.tokenizer.to_json());
  }
}

// Aligned memory of exactly this size, so that a sanitizer sees who reads beyond it.
struct Exact {
  explicit Exact(std::span<const std::byte> bytes) : size(bytes.size()) {
    void* address = nullptr;
    if (::posix_memalign(&address, 64, std::max<std::size_t>(size, 1)) != 0) throw std::bad_alloc();
    memory.reset(static_cast<std::byte*>(address));
    std::copy(bytes.begin(), bytes.end(), memory.get());
  }
  std::span<const std::byte> view() const { return {memory.get(), size}; }

  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::size_t size;
  std::unique_ptr<std::byte, Free> memory;
};

// Whether loading what was cut fails with an Error that names what was loaded.
template <class Action>
bool refuses_cut(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    const bool expected =
        error.code() == ErrorCode::malformed || error.code() == ErrorCode::unsupported;
    return expected && std::string(error.what()).starts_with("memory");
  }
  return false;
}

// Every length up to `dense`, and fewer up to the whole.
template <class Check>
void for_each_cut(std::size_t whole, std::size_t dense, const Check& check) {
  constexpr std::size_t kStep = 509;
  std::size_t checked = 0, failed = 0;
  for (std::size_t length = 0; length < whole; length += length < dense ? 1 : kStep) {
    ++checked;
    if (check(length)) continue;
    if (++failed <= 3) FAIL_CHECK("cut to " << length << " of " << whole << " bytes");
  }
  CHECK(failed == 0);
  CHECK(checked > 300);
}

std::size_t header_end(std::span<const std::byte> safetensors) {
  std::uint64_t header = 0;
  std::memcpy(&header, safetensors.data(), sizeof(header));
  return static_cast<std::size_t>(header) + sizeof(header);
}

TEST_CASE("HOSTILE: a converted file in memory that was cut, at every length",
          "[memory][hostile]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "model.safetensors";
  convert(golden_dir() / "bert-pair-bf16", path, {.dtype = WeightType::int8});
  const Bytes bytes = read_bytes(path);
  CHECK_NOTHROW(Model::load(Exact(bytes).view()));
  for_each_cut(bytes.size(), bytes.size(), [&](std::size_t length) {
    const Exact cut{std::span(bytes).first(length)};
    return refuses_cut([&] { Model::load(cut.view()); });
  });
}

TEST_CASE("HOSTILE: a directory in memory whose files were cut", "[memory][hostile]") {
  Files files(golden_dir() / "bert-pair-bf16");
  const auto check_cuts = [&](const std::string& name, std::size_t dense, const auto& load) {
    INFO(name);
    const Bytes whole = files.at(name);
    // Without the white space at its end a text is the same.
    std::size_t size = whole.size();
    while (name.ends_with(".json") && whole[size - 1] <= std::byte{' '}) --size;
    for_each_cut(size, dense, [&](std::size_t length) {
      const Exact cut{std::span(whole).first(length)};
      std::vector<NamedBuffer> buffers = files.buffers();
      for (NamedBuffer& buffer : buffers) {
        if (buffer.name == name) buffer.bytes = cut.view();
      }
      return refuses_cut([&] { load(buffers); });
    });
  };
  const auto load_model = [](const auto& buffers) { Model::load(buffers); };
  check_cuts("config.json", files.at("config.json").size(), load_model);
  check_cuts("model.safetensors", header_end(files.at("model.safetensors")) + 200, load_model);
  check_cuts("tokenizer.json", 4000, [](const auto& buffers) { load_tokenizer(buffers); });
}

TEST_CASE("a directory in memory that lacks a file, or has one too many", "[memory]") {
  const auto load = [](const Files& files) { Model::load(files.buffers(), {.name = "upload"}); };
  Files files(golden_dir() / "bert-base-sharded");
  SECTION("no config.json") {
    files.erase("config.json");
    CHECK_THAT(error_of([&] { load(files); }, ErrorCode::not_found),
               ContainsSubstring("upload/config.json"));
  }
  SECTION("a shard is missing") {
    files.erase("model-00003-of-00004.safetensors");
    CHECK_THAT(error_of([&] { load(files); }, ErrorCode::not_found),
               ContainsSubstring("upload/model.safetensors.index.json") &&
                   ContainsSubstring("model-00003-of-00004.safetensors"));
  }
  SECTION("no weights") {
    files.erase("model.safetensors.index.json");
    CHECK_THAT(error_of([&] { load(files); }, ErrorCode::not_found),
               ContainsSubstring("pytorch_model.bin"));
  }
  SECTION("a name twice") {
    files.names.push_back("config.json");
    files.contents.emplace_back();
    CHECK_THAT(error_of([&] { load(files); }, ErrorCode::invalid_argument),
               ContainsSubstring("'config.json'") && ContainsSubstring("twice"));
  }
  SECTION("a name that leads elsewhere") {
    files.names.push_back("../config.json");
    files.contents.emplace_back();
    CHECK_THAT(error_of([&] { load(files); }, ErrorCode::invalid_argument),
               ContainsSubstring("../config.json"));
  }
  SECTION("a file that no model has") {
    files.names.push_back("notes/read.me");
    files.contents.emplace_back();
    CHECK_NOTHROW(load(files));
  }
  SECTION("no tokenizer") {
    for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
      if (std::count(files.names.begin(), files.names.end(), name) > 0) files.erase(name);
    }
    CHECK_THAT(
        error_of([&] { load(files); }, ErrorCode::not_found),
        ContainsSubstring("upload has neither tokenizer.json nor vocab.txt, nor vocab.json"));
    CHECK_NOTHROW(Model::load(files.buffers(), {.tokenizer = false}));
  }
}

TEST_CASE("one file of a directory is no converted file", "[memory]") {
  const Bytes plain = read_bytes(golden_dir() / "bert-qa/model.safetensors");
  const Bytes pickle = read_bytes(golden_dir() / "bert-mlm-bin/pytorch_model.bin");
  for (const Bytes& bytes : {plain, pickle}) {
    CHECK_THAT(error_of([&] { Model::load(bytes); }, ErrorCode::unsupported),
               ContainsSubstring("memory: ") && ContainsSubstring("all files of it"));
  }
}

}  // namespace
}  // namespace sapwood::test
