#include "checkpoint/file_kind.h"

#include <algorithm>
#include <string_view>

namespace sapwood {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char expected, char c) {
           return expected == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
         });
}

}  // namespace

FileKind detect_file_kind(std::span<const std::byte> bytes) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 1024));
  using namespace std::string_view_literals;
  if (text.starts_with("version https://git-lfs.")) return FileKind::git_lfs;
  if (text.starts_with("PK\3\4"sv) || text.starts_with("PK\5\6"sv)) return FileKind::zip;
  if (text.starts_with("\x80\2"sv) && !text.starts_with("\x80\2\0\0\0\0\0\0"sv)) {
    return FileKind::legacy_pickle;
  }
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first != std::string_view::npos) {
    const std::string_view body = text.substr(first);
    if (starts_with_ignoring_case(body, "<!doctype html") ||
        starts_with_ignoring_case(body, "<html")) {
      return FileKind::html;
    }
  }
  if (text.size() > 8) {
    const std::size_t brace = text.find_first_not_of(kSpaces, 8);
    if (brace != std::string_view::npos && text[brace] == '{') return FileKind::safetensors;
  }
  return FileKind::unknown;
}

std::string wrong_kind_hint(FileKind kind) {
  switch (kind) {
    case FileKind::git_lfs:
      return "; it is a git-lfs pointer, not the weights: run 'git lfs pull' in that directory";
    case FileKind::html:
      return "; it is an HTML page, not the weights: the download failed, download the file again";
    case FileKind::zip:
      return "; it is a zip archive, as torch.save writes: name it pytorch_model.bin";
    case FileKind::legacy_pickle:
      return "; it is a bare pickle, as torch.save wrote before PyTorch 1.6: name it "
             "pytorch_model.bin";
    case FileKind::safetensors:
      return "; it looks like safetensors: name it model.safetensors";
    case FileKind::unknown:
      break;
  }
  return "";
}

}  // namespace sapwood
