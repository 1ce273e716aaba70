#include "load/converted.h"

#include <bit>

#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "base/error_place.h"
#include "base/json.h"
#include "base/quote.h"
#include "checkpoint/file_kind.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "config/sentence.h"
#include "load/metadata.h"

namespace sapwood {
namespace {

bool is_tokenizer_tensor(std::string_view name) { return name.starts_with(kTokenizerTensor); }

Tokenizer read_tokenizer(const std::string& settings, const TensorSource& source,
                         const std::string& where) {
  std::vector<NamedBuffer> tables;
  std::string names;
  for (const TensorView& tensor : source.tensors()) {
    if (!is_tokenizer_tensor(tensor.name)) continue;
    if (tensor.dtype != TensorDtype::u8 || tensor.shape.size() != 1) {
      throw Error(ErrorCode::malformed, where + ": tensor " + quote(tensor.name) +
                                            ": expected U8 [bytes], found " + tensor.dtype_name +
                                            " " + to_string(tensor.shape));
    }
    tables.push_back({std::string_view(tensor.name).substr(kTokenizerTensor.size()),
                      {tensor.data, static_cast<std::size_t>(tensor.bytes)}});
    if (names.size() < kShownCharacters) names += " and tensor " + quote(tensor.name);
  }
  if (tables.empty()) names = " and no tensor 'tokenizer.vocabulary'";
  try {
    return Tokenizer::from_parts(settings, tables);
  } catch (const Error& e) {
    throw Error(e.code(), where + ": sapwood.tokenizer" + names + ": " + e.what());
  }
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

// What is no safetensors file by contents and by name may be one of the files that a model has.
// What is wrong with one that claims to be safetensors, its reader says.
void require_safetensors(const InputFile& file) {
  const std::filesystem::path& path = file.path();
  const std::string start = file.start(1024);
  const auto bytes = std::as_bytes(std::span(start));
  const FileKind kind = detect_file_kind(bytes);
  if (kind == FileKind::safetensors || path.extension() == ".safetensors") return;
  const bool told = kind == FileKind::not_downloaded;
  throw Error(ErrorCode::unsupported,
              path.string() +
                  ": expected a model directory or a converted file, found another file" +
                  (told ? wrong_kind_hint(bytes)
                   : file.memory()
                       ? "; if it is one file of a model, give its directory, or all files of it"
                       : "; if it is one file of a model, give its directory: " +
                             folder_of(path).string()));
}

LoadedParts read_converted(InputFile file, bool tokenizer) {
  static_assert(std::endian::native == std::endian::little, "the packed layout is little-endian");
  const std::string where = file.path().string();
  require_safetensors(file);
  const auto source = std::make_shared<const TensorSource>(open_safetensors(std::move(file)));
  FileMetadata metadata = FileMetadata::from_map(source->metadata(), where);

  LoadedParts parts;
  parts.format = "converted";
  const auto config = JsonDocument::parse(metadata.config, where + ": sapwood.config");
  KnownWeights known;
  for (const NamedValue& head : names_of(HeadKind{}).values) {
    if (head.name == metadata.task) known.head = static_cast<HeadKind>(head.value);
  }
  parts.config = parse_config(config.root(), nullptr, known);
  if (metadata.untied_decoder) parts.config.tied_decoder = false;
  add_sentence(parts.config, std::move(metadata.sentence));
  if (metadata.task == to_string(HeadKind::none) && parts.config.head != HeadKind::none) {
    drop_head(parts.config, "the checkpoint that was converted did not have all of it", where,
              parts.notices);
  }
  resolve_labels(parts.config, static_cast<int>(metadata.labels));
  parts.parameters = metadata.parameters;
  parts.source_dtype = metadata.source_dtype;
  parts.source_sha256 = metadata.source_sha256;
  parts.weights = PackedWeights::map(source, parts.config, metadata.types);
  parts.unused_tensors = std::move(metadata.unused_tensors);
  for (const std::string& name : parts.weights.unused()) {
    if (!is_tokenizer_tensor(name)) parts.unused_tensors.push_back(name);
  }
  if (tokenizer && metadata.tokenizer) {
    parts.tokenizer = read_tokenizer(*metadata.tokenizer, *source, where);
  }
  return parts;
}

}  // namespace

LoadedParts load_converted(InputFile file, bool tokenizer) {
  const std::string where = file.path().string();
  return placing(where, [&] { return read_converted(std::move(file), tokenizer); });
}

void verify_converted(const std::filesystem::path& path) {
  check_version(open_safetensors(path).metadata(), path.string());
  verify_safetensors(path, kChecksumKey);
}

}  // namespace sapwood
