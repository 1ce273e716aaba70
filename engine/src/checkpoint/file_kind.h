// What a file is by its first bytes: to choose a reader, and to say what somebody's "weights"
// really are.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace sapwood {

enum class FileKind {
  safetensors,     // an 8-byte length followed by a JSON object
  zip,             // torch.save since PyTorch 1.6
  legacy_pickle,   // torch.save before PyTorch 1.6: a bare pickle
  not_downloaded,  // a git-lfs pointer, or a web page (base/file.h)
  unknown,
};

FileKind detect_file_kind(std::span<const std::byte> bytes) noexcept;

// What to do about a file of the wrong kind, by its first bytes: "; it is a git-lfs pointer, not the file: run ...".
// Empty where nothing helpful is known.
std::string wrong_kind_hint(std::span<const std::byte> bytes);

}  // namespace sapwood
