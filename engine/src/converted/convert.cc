// Writes the converted file.
#include "sapwood/convert.h"

#include <algorithm>
#include <cmath>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/sha256.h"
#include "config/json_fields.h"
#include "config/parse_config.h"
#include "converted/format.h"
#include "converted/int8_errors.h"
#include "model_state.h"
#include "weights/finite.h"

namespace sapwood {
namespace {

// The checkpoint's tensors, but for those that nothing needs, that hold a NaN or an infinity.
std::vector<std::string> not_finite(const TensorSource& checkpoint,
                                    const std::vector<std::string>& unused) {
  std::vector<std::string> names;
  for (const TensorView& tensor : checkpoint.tensors()) {
    if (std::find(unused.begin(), unused.end(), tensor.name) != unused.end()) continue;
    if (is_floating(tensor.dtype) && !all_finite(tensor)) names.push_back(tensor.name);
  }
  return names;
}

// Of the weights' file; of several files (a shard index and its shards), of their bytes end to end.
std::string sha256_of(const TensorSource& checkpoint) {
  Sha256 hash;
  for (const MappedFile& file : checkpoint.files()) hash.update(file.bytes());
  return hash.hex();
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

// Adds what is kept in another type without having been measured: tables and trees whose weights
// are not finite.
void add_unmeasured(const WeightTypes& types, std::vector<ConvertReport::Product>& products) {
  for (const auto& [name, type] : types.exceptions) {
    const auto is_it = [&name = name](const auto& product) { return product.name == name; };
    if (std::none_of(products.begin(), products.end(), is_it)) {
      products.push_back({name, std::nan(""), to_string(type)});
    }
  }
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
  const TensorSource checkpoint = open_checkpoint(source);
  ConvertReport report;
  if (types.products == kernels::DType::int8) {
    const LoadedParts exact = pack_directory(source, checkpoint, WeightTypes{});
    report.products =
        keep_damaged(exact, tokenizer ? &*tokenizer : nullptr, options.max_error, types);
  }
  const LoadedParts parts = pack_directory(source, checkpoint, types);
  types = parts.weights.types();
  add_unmeasured(types, report.products);
  report.not_finite = not_finite(checkpoint, parts.unused_tensors);

  std::vector<TensorToWrite> tensors;
  for (const auto& [name, tensor] : parts.weights.tensors()) {
    tensors.push_back(
        {.name = name, .dtype = tensor.dtype, .shape = tensor.shape, .data = tensor.data});
  }
  TensorSource::Metadata metadata = {
      {"sapwood.format_version", format::kVersion},
      {"sapwood.layout", format::kLayout},
      {"sapwood.byte_order", format::kByteOrder},
      {"sapwood.dtype", options.dtype},
      {"sapwood.decisions", to_string(std::min(types.decisions, types.products))},
      {"sapwood.task", std::string(to_string(parts.config.head))},
      {"sapwood.config", parse_json(read_text_file(source / "config.json"), "config.json").dump()},
      {"sapwood.labels", std::to_string(parts.config.labels.size())},
      {"sapwood.parameters", std::to_string(parts.parameters)},
      {"sapwood.source_dtype", parts.source_dtype},
      {"sapwood.source_sha256", sha256_of(checkpoint)},
  };
  if (!types.exceptions.empty()) {
    nlohmann::json exceptions;
    for (const auto& [name, type] : types.exceptions) exceptions[name] = to_string(type);
    metadata["sapwood.exceptions"] = exceptions.dump();
  }
  if (parts.config.sentence) metadata["sapwood.sentence"] = to_json(*parts.config.sentence).dump();
  if (!parts.unused_tensors.empty()) {
    // Names out of a pickle need not be UTF-8.
    constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
    metadata["sapwood.unused_tensors"] =
        nlohmann::json(parts.unused_tensors).dump(-1, ' ', false, kReplace);
  }
  Tokenizer::Parts texts;
  if (tokenizer) {
    texts = tokenizer->to_parts();
    metadata["sapwood.tokenizer"] = texts.settings;
    tensors.push_back({.name = format::kVocabulary,
                       .dtype = Dtype::u8,
                       .shape = {static_cast<std::int64_t>(texts.vocabulary.size())},
                       .data = reinterpret_cast<const std::byte*>(texts.vocabulary.data())});
  }
  write_safetensors(target, metadata, tensors, {.checksum_key = format::kChecksumKey});
  return report;
}

}  // namespace sapwood
