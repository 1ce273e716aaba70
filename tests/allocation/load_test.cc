// Loading, inspecting and hashing while allocations fail.
#include "catch.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/sha256.h"
#include "operations.h"
#include "run/cpu_quota.h"

namespace sapwood::test {
namespace {

void check_load(const fs::path& path, const LoadOptions& options = load_options()) {
  check_every_allocation({[&] { return answer_of(Model::load(path, options)); }});
}

TEST_CASE("load: directories") {
  SECTION("tokenizer.json") { check_load(golden_dir() / "bert-cross-encoder"); }
  SECTION("vocab.txt") { check_load(golden_dir() / "distilbert-multilabel-relu"); }
  SECTION("sentence-transformers, trees") { check_load(golden_dir() / "st-bert-fff-cls"); }
  SECTION("sentence-transformers, modules") {
    check_load(golden_dir() / "../sentence/dense-chain");
  }
  SECTION("sentence-transformers, a router") {
    check_load(golden_dir() / "../sentence/sparse-router");
  }
  SECTION("shards") { check_load(golden_dir() / "bert-base-sharded"); }
  SECTION("pytorch_model.bin") { check_load(golden_dir() / "bert-mlm-bin"); }
  SECTION("int8") { check_load(golden_dir() / "bert-qa", load_options(WeightType::int8)); }
  SECTION("helper threads") {
    check_load(golden_dir() / "bert-qa", load_options(WeightType::automatic, 3));
  }
}

TEST_CASE("load: converted files") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "m.safetensors";
  SECTION("f32, mapped") {
    convert(golden_dir() / "bert-fff-ner", file);
    check_load(file);
  }
  SECTION("int8, copied") {
    convert(golden_dir() / "bert-cross-encoder", file, {.dtype = WeightType::int8});
    LoadOptions options = load_options();
    options.copy_weights = true;
    check_load(file, options);
  }
}

TEST_CASE("load: from memory") {
  const TemporaryFolder folder;
  const fs::path directory = golden_dir() / "st-bert-mean", file = folder.path() / "m.safetensors";
  convert(directory, file);
  const std::string converted = bytes_of(file);
  const auto bytes_of_text = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  for (const std::size_t offset : {0, 1}) {  // at most one of them is aligned
    const std::string moved = std::string(offset, ' ') + converted;
    check_every_allocation({[&] {
      return answer_of(
          Model::load(bytes_of_text(std::string_view(moved).substr(offset)), load_options()));
    }});
  }
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    files.emplace_back(fs::relative(entry.path(), directory).string(), bytes_of(entry.path()));
  }
  std::vector<NamedBuffer> buffers;
  for (const auto& [name, text] : files) buffers.push_back({name, bytes_of_text(text)});
  check_every_allocation({[&] { return answer_of(Model::load(buffers, load_options())); }});
  check_every_allocation(
      {[&] { return std::to_string(load_tokenizer(buffers).max_length.value_or(0)); }});
  buffers.push_back(buffers[0]);
  check_every_allocation({[&] { return error_of([&] { Model::load(buffers); }); }});
}

TEST_CASE("load: damaged files") {
  const TemporaryFolder folder;
  const auto check_fails = [&](const fs::path& path) {
    const std::string error = error_of([&] { Model::load(path, load_options()); });
    INFO(error);
    CHECK(error != "no error");
    check_every_allocation({[&] { return error_of([&] { Model::load(path, load_options()); }); }});
  };
  const auto damaged = [&](const char* name, const char* file, std::size_t kept) {
    fs::copy(golden_dir() / name, folder.path() / name, fs::copy_options::recursive);
    fs::resize_file(folder.path() / name / file, kept);
    return folder.path() / name;
  };
  SECTION("weights") { check_fails(damaged("bert-qa", "model.safetensors", 20000)); }
  SECTION("zip archive") { check_fails(damaged("bert-mlm-bin", "pytorch_model.bin", 50000)); }
  SECTION("shard") {
    check_fails(damaged("bert-base-sharded", "model-00003-of-00004.safetensors", 100));
  }
  SECTION("config.json") { check_fails(damaged("bert-qa", "config.json", 200)); }
  SECTION("tokenizer.json") { check_fails(damaged("bert-qa", "tokenizer.json", 2000)); }
  SECTION("vocab.txt") { check_fails(damaged("distilbert-multilabel-relu", "vocab.txt", 0)); }
  SECTION("converted file") {
    const fs::path file = folder.path() / "m.safetensors";
    convert(golden_dir() / "bert-qa", file);
    fs::resize_file(file, fs::file_size(file) - 1000);
    check_fails(file);
  }
  SECTION("no such model") { check_fails(folder.path() / "none"); }
}

TEST_CASE("inspect") {
  const fs::path path = golden_dir() / "bert-fff-mlm";
  check_every_allocation({[&] {
    const Model model = Model::load(path, load_options());
    const ModelInfo info = inspect(model);
    return info.dtype + info.format + std::to_string(info.parameters) + to_dot(summarize(model));
  }});
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "m.safetensors";
  convert(path, file);
  check_every_allocation({[&] {
    verify(file);
    return inspect(Model::load(file, load_options())).source_sha256;
  }});
}

TEST_CASE("a checkpoint alone") {
  for (const char* name : {"bert-mlm-bin", "distilbert-regression-bin", "bert-base-sharded"}) {
    check_every_allocation({[&] {
      std::string answer;
      const auto source = of_part([&] { return open_checkpoint(golden_dir() / name); });
      for (const TensorView& tensor : source.tensors()) {
        answer += tensor.name + of_part([&] { return to_string(tensor.shape); });
        answer.append(reinterpret_cast<const char*>(tensor.data),
                      static_cast<std::size_t>(tensor.bytes));
      }
      return answer;
    }});
  }
}

TEST_CASE("SHA-256") {
  check_every_allocation({[] {
    const std::string text = "abc";
    return of_part([&] { return sha256_hex(std::as_bytes(std::span(text))); });
  }});
}

TEST_CASE("the CPU quota") {
  const TemporaryFolder root;
  for (const auto& [name, text] : {std::pair("proc/self/cgroup", "0::/a/b\n"),
                                   std::pair("sys/fs/cgroup/a/cpu.max", "5 2\n")}) {
    fs::create_directories((root.path() / name).parent_path());
    std::ofstream(root.path() / name) << text;
  }
  check_every_allocation({[&] {
    return std::to_string(of_part([&] { return cpu_quota(root.path()); }).value_or(0));
  }});
}

}  // namespace
}  // namespace sapwood::test
