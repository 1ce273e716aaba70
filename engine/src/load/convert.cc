// Writes the converted file.
#include "sapwood/convert.h"

#include <algorithm>
#include <cmath>

#include "base/border.h"
#include "base/quote.h"
#include "checkpoint/safetensors_writer.h"
#include "checkpoint/sha256.h"
#include "load/directory.h"
#include "load/int8_errors.h"
#include "load/metadata.h"
#include "load/vocabularies.h"
#include "sapwood/model_files.h"
#include "weights/finite.h"

namespace sapwood {
namespace {

// The source is mapped while the target is written, and it is not ours to change.
void require_outside(const std::filesystem::path& source, const std::filesystem::path& target) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (const fs::path& file : model_files(source)) {
    if (fs::equivalent(file, target, error)) {
      throw Error(ErrorCode::invalid_argument,
                  "cannot write " + quote(target.string()) + ": it is " + quote(file.string()) +
                      ", a file of the model that is converted; write to another file");
    }
  }
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (target.filename() == "model.safetensors" && fs::equivalent(folder, source, error)) {
    throw Error(ErrorCode::invalid_argument,
                "cannot write " + quote(target.string()) +
                    ": it would be taken for the weights of the model that is converted; "
                    "write to another file");
  }
}

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

namespace {

// A model without a tokenizer is still a model: it takes token ids.
std::optional<Tokenizer> find_tokenizer(const Folder& folder) {
  const bool merges = folder.has("vocab.json") && folder.has("merges.txt");
  if (!folder.has("tokenizer.json") && !folder.has("vocab.txt") && !merges) return std::nullopt;
  return Tokenizer::load(folder);
}

FileMetadata describe(const DirectorySource& source, const LoadedParts& parts,
                      const WeightTypes& types) {
  FileMetadata metadata;
  metadata.config = source.config.root().to_json();
  metadata.types = types;
  metadata.task = to_string(parts.config.head);
  metadata.labels = static_cast<std::int64_t>(parts.config.labels.size());
  metadata.sentence = parts.config.sentence;
  metadata.parameters = parts.parameters;
  metadata.source_dtype = parts.source_dtype;
  metadata.source_sha256 = sha256_of(source.checkpoint);
  metadata.unused_tensors = parts.unused_tensors;
  metadata.untied_decoder = parts.config.head == HeadKind::masked_lm && !parts.config.tied_decoder;
  return metadata;
}

}  // namespace

ConvertReport convert(const std::filesystem::path& source, const std::filesystem::path& target,
                      const ConvertOptions& options) try {
  if (options.dtype == WeightType::automatic) {
    throw Error(ErrorCode::invalid_argument, "dtype: expected f32, bf16 or int8, found auto");
  }
  auto types = WeightTypes::all(dtype_of(options.dtype));
  if (options.decisions != WeightType::automatic) {
    types.decision_type = dtype_of(options.decisions);
  }
  require_outside(source, target);
  const DirectorySource directory = open_directory(Folder::open(source));
  const std::optional<Tokenizer> tokenizer = find_tokenizer(directory.folder);
  ConvertReport report;
  if (types.products == kernels::DType::int8) {
    const LoadedParts exact = pack_directory(directory, WeightTypes{});
    report.products =
        keep_damaged(exact, tokenizer ? &*tokenizer : nullptr, options.max_error, types);
  }
  const LoadedParts parts = pack_directory(directory, types);
  types = parts.weights.types();
  Notices notices = parts.notices;
  if (tokenizer) {
    notices.add(tokenizer->notices());
    compare_vocabularies(parts.config, *tokenizer, source.string(), notices);
  }
  report.notices = notices.list();
  add_unmeasured(types, report.products);
  report.not_finite = not_finite(directory.checkpoint, parts.unused_tensors);

  std::vector<TensorToWrite> tensors;
  for (const auto& [name, tensor] : parts.weights.tensors()) {
    tensors.push_back(
        {.name = name, .dtype = tensor.dtype, .shape = tensor.shape, .data = tensor.data});
  }
  FileMetadata metadata = describe(directory, parts, types);
  Tokenizer::Parts texts;
  if (tokenizer) {
    texts = tokenizer->to_parts();
    metadata.tokenizer = texts.settings;
  }
  for (const Tokenizer::Table& table : texts.tables) {
    tensors.push_back({.name = std::string(kTokenizerTensor) + table.name,
                       .dtype = TensorDtype::u8,
                       .shape = {static_cast<std::int64_t>(table.bytes.size())},
                       .data = reinterpret_cast<const std::byte*>(table.bytes.data())});
  }
  write_safetensors(target, metadata.to_map(), tensors, {.checksum_key = kChecksumKey});
  return report;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
