#include "load/converted.h"

#include <bit>

#include "base/json.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "config/parse_config.h"
#include "load/metadata.h"

namespace sapwood {
namespace {

Tokenizer read_tokenizer(const std::string& settings, const TensorSource& source,
                         const std::string& where) {
  std::string_view vocabulary;
  if (const TensorView* text = source.find(kVocabularyTensor)) {
    if (text->dtype != Dtype::u8 || text->shape.size() != 1) {
      throw Error(ErrorCode::malformed, where + ": tensor '" + kVocabularyTensor +
                                            "': expected U8 [bytes], found " + text->dtype_name +
                                            " " + to_string(text->shape));
    }
    vocabulary = {reinterpret_cast<const char*>(text->data), static_cast<std::size_t>(text->bytes)};
  }
  try {
    return Tokenizer::from_parts(settings, vocabulary);
  } catch (const Error& e) {
    throw Error(e.code(),
                where + ": sapwood.tokenizer and tensor '" + kVocabularyTensor + "': " + e.what());
  }
}

}  // namespace

LoadedParts load_converted(const std::filesystem::path& path, bool tokenizer) {
  static_assert(std::endian::native == std::endian::little, "the packed layout is little-endian");
  const auto source = std::make_shared<const TensorSource>(open_safetensors(path));
  const std::string where = path.string();
  FileMetadata metadata = FileMetadata::from_map(source->metadata(), where);

  LoadedParts parts;
  parts.format = "converted";
  const auto config = JsonDocument::parse(metadata.config, where + ": sapwood.config");
  parts.config = parse_config(config.root());
  parts.config.sentence = metadata.sentence;
  try {
    resolve_labels(parts.config, static_cast<int>(metadata.labels));
  } catch (const Error& e) {
    throw Error(e.code(), where + ": " + e.what());
  }
  parts.parameters = metadata.parameters;
  parts.source_dtype = metadata.source_dtype;
  parts.source_sha256 = metadata.source_sha256;
  parts.weights = PackedWeights::map(source, parts.config, metadata.types);
  parts.unused_tensors = std::move(metadata.unused_tensors);
  for (const std::string& name : parts.weights.unused()) {
    if (name != kVocabularyTensor) parts.unused_tensors.push_back(name);
  }
  if (tokenizer && metadata.tokenizer) {
    parts.tokenizer = read_tokenizer(*metadata.tokenizer, *source, where);
  }
  return parts;
}

void verify_converted(const std::filesystem::path& path) {
  check_version(open_safetensors(path).metadata(), path.string());
  verify_safetensors(path, kChecksumKey);
}

}  // namespace sapwood
