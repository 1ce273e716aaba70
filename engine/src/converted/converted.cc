#include "converted/converted.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "config/json_fields.h"
#include "config/parse_config.h"
#include "converted/format.h"
#include "sapwood/inspect.h"

namespace sapwood {
namespace {

using namespace format;
using Metadata = TensorSource::Metadata;

std::string require(const Metadata& metadata, const std::string& key,
                    const std::filesystem::path& path) {
  const auto it = metadata.find(key);
  if (it == metadata.end()) {
    throw Error(ErrorCode::malformed,
                path.string() + ": metadata '" + key + "' is missing: convert the model again");
  }
  return it->second;
}

void expect(const Metadata& metadata, const std::string& key, const std::string& expected,
            const std::filesystem::path& path) {
  const std::string found = require(metadata, key, path);
  if (found != expected) {
    throw Error(ErrorCode::unsupported, path.string() + ": metadata '" + key +
                                            "': this version reads '" + expected + "', found '" +
                                            found + "': convert the model again with this version");
  }
}

std::int64_t number(const Metadata& metadata, const std::string& key,
                    const std::filesystem::path& path) {
  const std::string text = require(metadata, key, path);
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) {
    throw Error(ErrorCode::malformed, path.string() + ": metadata '" + key +
                                          "': expected a whole number, found '" + text + "'");
  }
  return value;
}

void check_version(const Metadata& metadata, const std::filesystem::path& path) {
  const auto version = metadata.find("sapwood.format_version");
  if (version == metadata.end()) {
    throw Error(ErrorCode::unsupported,
                path.string() +
                    ": not a converted model; a plain checkpoint is loaded by its directory, "
                    "with config.json beside it");
  }
  if (version->second != kOlderVersion) {
    expect(metadata, "sapwood.format_version", kVersion, path);
  }
  expect(metadata, "sapwood.layout", kLayout, path);
  expect(metadata, "sapwood.byte_order", kByteOrder, path);
}

// "sapwood.dtype", and in "sapwood.exceptions" the products that take another type.
WeightTypes read_types(const Metadata& metadata, const std::filesystem::path& path) {
  WeightTypes types{
      parse_weight_type(require(metadata, "sapwood.dtype", path), "sapwood.dtype"),
      parse_weight_type(require(metadata, "sapwood.decisions", path), "sapwood.decisions"),
      {}};
  const auto it = metadata.find("sapwood.exceptions");
  if (it == metadata.end()) return types;
  const std::string where = path.string() + ": sapwood.exceptions";
  const nlohmann::json exceptions = parse_json(it->second, where);
  if (!exceptions.is_object()) throw Error(ErrorCode::malformed, where + ": expected an object");
  for (const auto& [name, type] : exceptions.items()) {
    if (!type.is_string()) {
      throw Error(ErrorCode::malformed, where + ": '" + name + "': expected a string");
    }
    types.exceptions[name] = parse_weight_type(type.get<std::string>(), where);
  }
  return types;
}

// The checkpoint's tensors that nothing needed, as `convert` found them.
std::vector<std::string> read_unused(const Metadata& metadata, const std::filesystem::path& path) {
  const auto it = metadata.find("sapwood.unused_tensors");
  if (it == metadata.end()) return {};
  const std::string where = path.string() + ": sapwood.unused_tensors";
  const nlohmann::json names = parse_json(it->second, where);
  const auto is_string = [](const nlohmann::json& item) { return item.is_string(); };
  if (!names.is_array() || !std::all_of(names.begin(), names.end(), is_string)) {
    throw Error(ErrorCode::malformed, where + ": expected a list of strings");
  }
  return names.get<std::vector<std::string>>();
}

std::optional<Tokenizer> read_tokenizer(const TensorSource& source,
                                        const std::filesystem::path& path) {
  const auto settings = source.metadata().find("sapwood.tokenizer");
  if (settings == source.metadata().end()) return std::nullopt;
  std::string_view vocabulary;
  if (const TensorView* text = source.find(kVocabulary)) {
    if (text->dtype != Dtype::u8 || text->shape.size() != 1) {
      throw Error(ErrorCode::malformed, path.string() + ": tensor '" + kVocabulary +
                                            "': expected U8 [bytes], found " + text->dtype_name +
                                            " " + to_string(text->shape));
    }
    vocabulary = {reinterpret_cast<const char*>(text->data), static_cast<std::size_t>(text->bytes)};
  }
  try {
    return Tokenizer::from_parts(settings->second, vocabulary);
  } catch (const Error& e) {
    throw Error(e.code(), path.string() + ": sapwood.tokenizer and tensor '" + kVocabulary +
                              "': " + e.what());
  }
}

}  // namespace

LoadedParts load_converted(const std::filesystem::path& path, bool tokenizer) {
  static_assert(std::endian::native == std::endian::little, "the packed layout is little-endian");
  const auto source = std::make_shared<const TensorSource>(open_safetensors(path));
  const Metadata& metadata = source->metadata();
  check_version(metadata, path);

  LoadedParts parts;
  parts.format = "converted";
  parts.config = parse_config(
      parse_json(require(metadata, "sapwood.config", path), path.string() + ": sapwood.config"));
  if (const auto it = metadata.find("sapwood.sentence"); it != metadata.end()) {
    parts.config.sentence =
        sentence_from_json(parse_json(it->second, path.string() + ": sapwood.sentence"));
  }
  const std::int64_t labels = number(metadata, "sapwood.labels", path);
  if (labels > (1 << 20))
    throw Error(ErrorCode::malformed, path.string() + ": metadata 'sapwood.labels': too many");
  resolve_labels(parts.config, static_cast<int>(labels));
  parts.parameters = number(metadata, "sapwood.parameters", path);
  parts.source_dtype = require(metadata, "sapwood.source_dtype", path);
  parts.source_sha256 = require(metadata, "sapwood.source_sha256", path);
  parts.weights = PackedWeights::map(source, parts.config, read_types(metadata, path));
  parts.unused_tensors = read_unused(metadata, path);
  for (const std::string& name : parts.weights.unused()) {
    if (name != kVocabulary) parts.unused_tensors.push_back(name);
  }
  if (tokenizer) parts.tokenizer = read_tokenizer(*source, path);
  return parts;
}

void verify(const std::filesystem::path& path) {
  check_version(open_safetensors(path).metadata(), path);
  verify_safetensors(path, kChecksumKey);
}

}  // namespace sapwood
