#include "checkpoint/file_kind.h"

#include <algorithm>
#include <string_view>

#include "base/file.h"

namespace sapwood {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 1024)};
}

}  // namespace

FileKind detect_file_kind(std::span<const std::byte> bytes) noexcept {
  const std::string_view text = text_of(bytes);
  using namespace std::string_view_literals;
  if (text.starts_with("PK\3\4"sv) || text.starts_with("PK\5\6"sv)) return FileKind::zip;
  if (text.starts_with("\x80\2"sv) && !text.starts_with("\x80\2\0\0\0\0\0\0"sv)) {
    return FileKind::legacy_pickle;
  }
  if (!not_downloaded(text).empty()) return FileKind::not_downloaded;
  if (text.size() > 8) {
    const std::size_t brace = text.find_first_not_of(kSpaces, 8);
    if (brace != std::string_view::npos && text[brace] == '{') return FileKind::safetensors;
  }
  return FileKind::unknown;
}

std::string wrong_kind_hint(std::span<const std::byte> bytes) {
  switch (detect_file_kind(bytes)) {
    case FileKind::not_downloaded:
      return "; " + std::string(not_downloaded(text_of(bytes)));
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
