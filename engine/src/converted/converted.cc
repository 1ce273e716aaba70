#include "converted/converted.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/sha256.h"
#include "config/json_fields.h"
#include "config/parse_config.h"
#include "converted/int8_errors.h"
#include "sapwood/convert.h"
#include "sapwood/inspect.h"

namespace sapwood {
namespace {

// Values that this version writes and the only ones it reads.
constexpr const char* kFormatVersion = "2";
constexpr const char* kLayout = "panels-16";
constexpr const char* kByteOrder = "little";

constexpr const char* kChecksumKey = "sapwood.checksum";

using Metadata = std::map<std::string, std::string>;

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
  if (metadata.find("sapwood.format_version") == metadata.end()) {
    throw Error(ErrorCode::unsupported,
                path.string() +
                    ": not a converted model; a plain checkpoint is loaded by its directory, "
                    "with config.json beside it");
  }
  expect(metadata, "sapwood.format_version", kFormatVersion, path);
  expect(metadata, "sapwood.layout", kLayout, path);
  expect(metadata, "sapwood.byte_order", kByteOrder, path);
}

// Of the weights' file; of several files (a shard index and its shards), of their bytes end to end.
std::string source_sha256(const std::filesystem::path& directory) {
  Sha256 hash;
  const TensorSource source = open_checkpoint(directory);
  for (const MappedFile& file : source.files()) hash.update(file.bytes());
  return hash.hex();
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
  const nlohmann::json json = parse_json(it->second, where);
  if (!json.is_object()) throw Error(ErrorCode::malformed, where + ": expected an object");
  for (const auto& [name, type] : json.items()) {
    if (!type.is_string()) {
      throw Error(ErrorCode::malformed, where + ": '" + name + "': expected a string");
    }
    types.exceptions[name] = parse_weight_type(type.get<std::string>(), where);
  }
  return types;
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
  parts.unused_tensors = parts.weights.unused();
  if (const auto it = metadata.find("sapwood.tokenizer"); tokenizer && it != metadata.end()) {
    parts.tokenizer = Tokenizer::from_json(it->second);
  }
  return parts;
}

namespace {

std::vector<std::string> not_finite(const PackedWeights& weights) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : weights.tensors()) {
    const auto* values = reinterpret_cast<const float*>(tensor.data);
    const auto count = tensor.bytes / static_cast<std::int64_t>(sizeof(float));
    if (!std::all_of(values, values + count, [](float v) { return std::isfinite(v); })) {
      names.push_back(name);
    }
  }
  return names;
}

// Measures what int8 does to each product, and keeps those that it would damage in bf16.
std::vector<ConvertReport::Product> keep_damaged(const LoadedParts& parts,
                                                 const Tokenizer* tokenizer, double max_error,
                                                 WeightTypes& types) {
  std::vector<ConvertReport::Product> products;
  for (const ProductError& product : int8_errors(parts.config, parts.weights, tokenizer)) {
    // NaN is damage too.
    const bool damaged = !(product.error <= max_error);
    if (damaged) types.exceptions[product.name] = kernels::DType::bf16;
    products.push_back({product.name, product.error, damaged ? "bf16" : "int8"});
  }
  return products;
}

}  // namespace

ConvertReport convert(const std::filesystem::path& source, const std::filesystem::path& target,
                      const ConvertOptions& options) {
  auto types = WeightTypes::all(parse_weight_type(options.dtype, "dtype"));
  if (!options.decisions.empty())
    types.decisions = parse_weight_type(options.decisions, "decisions");
  if (!std::filesystem::is_directory(source)) {
    throw Error(ErrorCode::not_found,
                source.string() + ": expected a Hugging Face model directory");
  }
  // A model without a tokenizer is still a model: it takes token ids.
  std::optional<Tokenizer> tokenizer;
  if (std::filesystem::exists(source / "tokenizer.json") ||
      std::filesystem::exists(source / "vocab.txt")) {
    tokenizer = Tokenizer::load(source);
  }
  LoadedParts parts = load_directory(source, WeightTypes{}, false);
  ConvertReport report{.products = {}, .not_finite = not_finite(parts.weights)};
  if (types.products == kernels::DType::int8) {
    report.products =
        keep_damaged(parts, tokenizer ? &*tokenizer : nullptr, options.max_error, types);
  }
  if (types.products != kernels::DType::f32) parts = load_directory(source, types, false);

  std::vector<TensorToWrite> tensors;
  for (const auto& [name, tensor] : parts.weights.tensors()) {
    tensors.push_back(
        {.name = name, .dtype = tensor.dtype, .shape = tensor.shape, .data = tensor.data});
  }
  Metadata metadata = {
      {"sapwood.format_version", kFormatVersion},
      {"sapwood.layout", kLayout},
      {"sapwood.byte_order", kByteOrder},
      {"sapwood.dtype", options.dtype},
      {"sapwood.decisions", to_string(std::min(types.decisions, types.products))},
      {"sapwood.task", std::string(to_string(parts.config.head))},
      {"sapwood.config", parse_json(read_text_file(source / "config.json"), "config.json").dump()},
      {"sapwood.labels", std::to_string(parts.config.labels.size())},
      {"sapwood.parameters", std::to_string(parts.parameters)},
      {"sapwood.source_dtype", parts.source_dtype},
      {"sapwood.source_sha256", source_sha256(source)},
  };
  if (!types.exceptions.empty()) {
    nlohmann::json exceptions;
    for (const auto& [name, type] : types.exceptions) exceptions[name] = to_string(type);
    metadata["sapwood.exceptions"] = exceptions.dump();
  }
  if (parts.config.sentence) metadata["sapwood.sentence"] = to_json(*parts.config.sentence).dump();
  if (tokenizer) metadata["sapwood.tokenizer"] = tokenizer->to_json();
  write_safetensors(target, metadata, tensors, {.checksum_key = kChecksumKey});
  return report;
}

void verify(const std::filesystem::path& path) {
  check_version(open_safetensors(path).metadata(), path);
  verify_safetensors(path, kChecksumKey);
}

}  // namespace sapwood
