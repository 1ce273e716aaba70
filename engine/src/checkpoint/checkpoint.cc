#include "checkpoint/checkpoint.h"

#include <string>
#include <string_view>
#include <system_error>

#include "checkpoint/file_kind.h"
#include "checkpoint/pickle.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

namespace fs = std::filesystem;

enum class Format { safetensors, safetensors_index, pytorch_bin, pytorch_index };

constexpr std::string_view kNames[] = {"model.safetensors", "model.safetensors.index.json",
                                       "pytorch_model.bin", "pytorch_model.bin.index.json"};

Format format_of(const fs::path& path, FileAccess access) {
  const std::string name = path.filename().string();
  if (name.ends_with(".bin.index.json")) return Format::pytorch_index;
  if (name.ends_with(".index.json")) return Format::safetensors_index;
  if (name.ends_with(".safetensors")) return Format::safetensors;
  if (name.ends_with(".bin") || name.ends_with(".pt") || name.ends_with(".pth")) {
    return Format::pytorch_bin;
  }
  switch (detect_file_kind(MappedFile::open(path, access).bytes())) {
    case FileKind::zip:
    case FileKind::legacy_pickle:
      return Format::pytorch_bin;
    default:
      return Format::safetensors;  // whose errors say what else it may be
  }
}

}  // namespace

fs::path find_checkpoint(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    throw Error(ErrorCode::not_found,
                path.string() + ": expected a model directory or a weights file, found nothing");
  }
  if (!fs::is_directory(status)) return path;
  std::string looked_for;
  for (const std::string_view name : kNames) {
    const fs::path candidate = path / name;
    // A link that leads nowhere counts as there: opening it then says so.
    if (fs::exists(fs::symlink_status(candidate, error))) return candidate;
    looked_for += looked_for.empty() ? "" : ", ";
    looked_for += name;
  }
  throw Error(ErrorCode::not_found, path.string() + ": expected weights, found none of " +
                                        looked_for + ": download them into this directory");
}

TensorSource open_checkpoint(const fs::path& path, FileAccess access) {
  const fs::path file = find_checkpoint(path);
  switch (format_of(file, access)) {
    case Format::safetensors_index:
      return open_sharded_safetensors(file, access);
    case Format::pytorch_bin:
      return open_pytorch_bin(file, access);
    case Format::pytorch_index:
      return open_sharded_pytorch_bin(file, access);
    case Format::safetensors:
      break;
  }
  return open_safetensors(file, access);
}

}  // namespace sapwood
