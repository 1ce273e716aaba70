#include "checkpoint/checkpoint.h"

#include <string>
#include <string_view>
#include <system_error>

#include "base/quote.h"
#include "checkpoint/file_kind.h"
#include "checkpoint/pickle.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/shard_index.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNames[] = {"model.safetensors", "model.safetensors.index.json",
                                       "pytorch_model.bin", "pytorch_model.bin.index.json"};

bool is_pytorch(const InputFile& file, const std::string& name) {
  if (name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth")) return true;
  if (name.ends_with(".safetensors")) return false;
  constexpr std::size_t kEnough = 1024;
  const std::string start = file.start(kEnough);
  const FileKind kind = detect_file_kind(std::as_bytes(std::span(start)));
  return kind == FileKind::zip || kind == FileKind::legacy_pickle;
}

// What a folder has instead of weights that are read; empty where it has nothing of the kind.
std::string other_weights(const Folder& folder) {
  struct Format {
    std::string_view name, ending;
  };
  constexpr Format kFormats[] = {{"ONNX", ".onnx"},       {"TensorFlow", ".h5"},
                                 {"Flax", ".msgpack"},    {"GGUF", ".gguf"},
                                 {"OpenVINO", ".xml"},    {"rust-bert", ".ot"},
                                 {"Core ML", ".mlmodel"}, {"TensorFlow", ".ckpt.index"}};
  // ONNX and OpenVINO models have folders of their own.
  for (const std::string_view inside : {"", "onnx", "openvino"}) {
    const auto own = inside.empty() ? std::nullopt : folder.find_folder(std::string(inside));
    if (!inside.empty() && !own) continue;
    for (const std::string& name : (own ? *own : folder).names()) {
      for (const Format& format : kFormats) {
        if (!name.ends_with(format.ending)) continue;
        return quote((std::filesystem::path(inside) / name).string()) + " (" +
               std::string(format.name) + ")";
      }
    }
  }
  return {};
}

// `memory`: the file's folder, where it is in memory.
TensorSource open_weights(InputFile file, const Folder* memory = nullptr) {
  const std::string name = file.path().filename().string();
  if (name.ends_with(".bin.index.json")) {
    return open_shards(std::move(file), open_pytorch_bin, memory);
  }
  if (name.ends_with(".index.json")) {
    return open_shards(std::move(file), open_safetensors, memory);
  }
  if (is_pytorch(file, name)) return open_pytorch_bin(std::move(file));
  return open_safetensors(std::move(file));  // whose errors say what else it may be
}

}  // namespace

TensorSource open_checkpoint(const Folder& folder) {
  std::string looked_for;
  for (const std::string_view name : kNames) {
    if (auto file = folder.find(name)) {
      return open_weights(std::move(*file), folder.in_memory() ? &folder : nullptr);
    }
    looked_for.append(looked_for.empty() ? "" : ", ").append(name);
  }
  const std::string other = other_weights(folder);
  if (!other.empty()) {
    throw Error(ErrorCode::unsupported, folder.path().string() + ": expected weights, found " +
                                            other + ", which is not read: get " +
                                            std::string(kNames[0]) + " or " +
                                            std::string(kNames[2]) + " of the same model");
  }
  throw Error(ErrorCode::not_found, folder.path().string() + ": expected weights, found none of " +
                                        looked_for + ": download them into this directory");
}

TensorSource open_checkpoint(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return open_checkpoint(Folder::open(path));
  return open_weights(InputFile::open(path));
}

}  // namespace sapwood
