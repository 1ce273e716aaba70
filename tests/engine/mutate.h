// Checkpoints with one thing wrong.
#pragma once

#include <functional>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "golden.h"

namespace sapwood::test {

// A tensor on its way from one checkpoint into a changed copy.
struct EditedTensor {
  std::string name;
  TensorDtype dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

// Writes `target` with the tensors and metadata of `source` after `edit` changed them.
inline void rewrite(
    const fs::path& source, const fs::path& target,
    const std::function<void(std::vector<EditedTensor>&, TensorSource::Metadata&)>& edit) {
  const TensorSource original = open_checkpoint(source);
  std::vector<EditedTensor> tensors;
  for (const TensorView& t : original.tensors()) {
    if (t.name.starts_with(kPadPrefix)) continue;
    tensors.push_back({t.name, t.dtype, t.shape, {t.data, t.data + t.bytes}});
  }
  TensorSource::Metadata metadata = original.metadata();
  edit(tensors, metadata);
  std::vector<TensorToWrite> list;
  for (const EditedTensor& t : tensors) {
    list.push_back({.name = t.name, .dtype = t.dtype, .shape = t.shape, .data = t.bytes.data()});
  }
  write_safetensors(target, metadata, list);
}

inline EditedTensor& find(std::vector<EditedTensor>& tensors, const std::string& name) {
  for (EditedTensor& t : tensors) {
    if (t.name == name) return t;
  }
  throw std::runtime_error("no tensor " + name);
}

// A copy of a Hugging Face directory, its weights rewritten.
inline void copy_model(
    const fs::path& source, const fs::path& target,
    const std::function<void(std::vector<EditedTensor>&, TensorSource::Metadata&)>& edit) {
  fs::create_directories(target);
  for (const auto& entry : fs::directory_iterator(source)) {
    if (entry.path().extension() == ".json" || entry.path().extension() == ".txt") {
      fs::copy(entry.path(), target / entry.path().filename(),
               fs::copy_options::overwrite_existing);
    }
  }
  rewrite(source, target / "model.safetensors", edit);
}

inline void edit_config(const fs::path& folder, const std::function<void(json&)>& edit) {
  json config = read_json(folder / "config.json");
  edit(config);
  std::ofstream(folder / "config.json") << config;
}

// Loads and expects an Error whose message holds every one of `names`.
inline void check_load_error(const fs::path& path, ErrorCode code,
                             const std::vector<std::string>& names) {
  try {
    Model::load(path);
    FAIL("loaded " << path.filename());
  } catch (const Error& e) {
    INFO(e.what());
    CHECK(to_string(e.code()) == to_string(code));
    for (const std::string& name : names) CHECK_THAT(e.what(), ContainsSubstring(name));
  }
}

}  // namespace sapwood::test
