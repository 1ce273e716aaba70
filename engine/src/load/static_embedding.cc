#include "load/static_embedding.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "base/quote.h"
#include "checkpoint/checkpoint.h"
#include "config/fields.h"
#include "config/sentence.h"
#include "config/sentence_keys.h"

namespace sapwood {
namespace {

constexpr int kModel2VecTokens = 512;
constexpr std::int64_t kMostTableBytes = std::int64_t{1} << 32;

// What a directory says, whoever wrote it.
struct Facts {
  bool model2vec = false;
  bool normalize = false;
  std::optional<int> max_length;
  std::string module;  // the folder of weights and tokenizer; "": the directory itself
};

// Of model2vec's config.json, besides the two that are read: how the table was made.
constexpr std::string_view kModel2VecKeys[] = {"model_type",
                                               "architectures",
                                               "tokenizer_name",
                                               "apply_pca",
                                               "apply_zipf",
                                               "sif_coefficient",
                                               "hidden_dim",
                                               "seq_length",
                                               "pooling",
                                               "embedding_dtype",
                                               "normalize",
                                               "max_length",
                                               "vocabulary_quantization"};

void tell_unknown_model2vec_keys(const JsonValue& root, Notices& notices) {
  std::string names;
  for (const JsonValue member : root.members()) {
    const bool is_known = std::find(std::begin(kModel2VecKeys), std::end(kModel2VecKeys),
                                    member.key()) != std::end(kModel2VecKeys);
    if (is_known || member.is_null() || names.size() > kShownCharacters) continue;
    names += (names.empty() ? "" : ", ") + quote(member.key());
  }
  if (names.empty()) return;
  notices.add(root.path() + ": " + printable(names) +
              ": not known of model2vec; what it asks for is not done");
}

std::optional<Facts> read_model2vec(const Folder& folder, Notices& notices) {
  const auto file = folder.find("config.json");
  if (!file) return std::nullopt;
  const JsonDocument json = read_json(*file, notices);
  const JsonValue root = json.root();
  const auto type = root.find("model_type");
  if (!type || !type->is_string() || type->string() != "model2vec") return std::nullopt;
  tell_unknown_model2vec_keys(root, notices);
  Facts facts{.model2vec = true};
  facts.normalize = root.boolean("normalize", false);
  // null: texts are not cut.
  const auto length = root.find("max_length");
  if (!length) facts.max_length = kModel2VecTokens;
  if (root.has("max_length")) {
    facts.max_length = root.integer("max_length", 1, kMaxPositions);
  }
  return facts;
}

// What sentence-transformers' files beside those of model2vec say is not done where model2vec does other than they say.
void tell_other_modules(const Folder& folder, const Facts& facts, Notices& notices) {
  const auto file = folder.find("modules.json");
  if (!file) return;
  const JsonDocument json = read_json(*file, notices);
  bool normalize = false;
  for (const JsonValue module : json.root().elements()) {
    tell_unknown_keys(module, SentenceFile::modules, notices);
    const std::string_view type = module.string("type");
    const std::string_view kind = class_name(type);
    normalize = normalize || kind == "Normalize";
    if (kind == "StaticEmbedding" || kind == "Normalize") continue;
    notices.add(module.path() + ": the module " + quote(type) +
                " is not computed: config.json names model2vec, which has none");
  }
  if (normalize == facts.normalize) return;
  notices.add(json.where() + ": there is " + (normalize ? "a" : "no") +
              " Normalize module, and config.json says the opposite; config.json counts, as in "
              "model2vec");
}

std::optional<Facts> read_modules(const Folder& folder, Notices& notices) {
  const auto file = folder.find("modules.json");
  if (!file) return std::nullopt;
  const JsonDocument json = read_json(*file, notices);
  std::optional<Facts> facts;
  for (const JsonValue module : json.root().elements()) {
    const std::string_view type = module.string("type");
    const std::string_view kind = class_name(type);
    if (!facts && kind != "StaticEmbedding") return std::nullopt;
    tell_unknown_keys(module, SentenceFile::modules, notices);
    if (!facts) {
      facts.emplace();
      std::string_view path = module.string("path", "");
      while (path.ends_with('/') || path == ".") path.remove_suffix(1);
      if (path.starts_with('.') || path.find_first_of(std::string_view("/\0", 2)) != path.npos) {
        module.fail_at("path", "expected a folder of the model, found " + quote(path));
      }
      facts->module = path;
    } else if (kind == "Normalize") {
      facts->normalize = true;
    } else {
      module.fail_at(
          "type",
          "the module " + quote(type) + " is not supported behind StaticEmbedding; Normalize is",
          ErrorCode::unsupported);
    }
  }
  return facts;
}

// What a wrong tensor is and what it should be.
[[noreturn]] void fail(const TensorView& tensor, const std::string& expected) {
  throw Error(ErrorCode::mismatch, "tensor " + quote(tensor.name) + ": expected " + expected +
                                       ", found " + tensor.dtype_name + " " +
                                       to_string(tensor.shape));
}

// Whole numbers count as themselves, which is what model2vec's int8 means.
std::vector<float> floats_of(const TensorView& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  if (tensor.dtype == TensorDtype::i8) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(static_cast<std::int8_t>(tensor.data[i]));
    }
  } else if (is_floating(tensor.dtype)) {
    to_float(tensor, values.data());
  } else {
    fail(tensor, "F32, F16, BF16, F64 or I8");
  }
  return values;
}

// Rows of the table by token.
std::vector<std::int64_t> rows_of(const TensorView& mapping, std::int64_t rows) {
  if (mapping.shape.size() != 1 ||
      (mapping.dtype != TensorDtype::i64 && mapping.dtype != TensorDtype::i32)) {
    fail(mapping, "I64 or I32 [tokens]");
  }
  const auto size = static_cast<std::size_t>(dtype_size(mapping.dtype));
  std::vector<std::int64_t> result(static_cast<std::size_t>(mapping.elements()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    std::int32_t small = 0;
    std::memcpy(size == sizeof small ? static_cast<void*>(&small) : &result[i],
                mapping.data + i * size, size);
    if (size == sizeof small) result[i] = small;
    if (result[i] >= 0 && result[i] < rows) continue;
    throw Error(ErrorCode::mismatch, "tensor 'mapping': token " + std::to_string(i) + " has row " +
                                         std::to_string(result[i]) + ", but there are only " +
                                         std::to_string(rows));
  }
  return result;
}

struct StaticTable {
  std::int64_t rows = 0, cols = 0;  // with the row of zeros
  std::unique_ptr<std::byte[]> bytes;
};

StaticTable make_table(const TensorSource& source) {
  const TensorView* found = source.find("embedding.weight");
  if (found == nullptr) found = &source.at("embeddings");
  if (found->shape.size() != 2 || found->shape[0] < 1 || found->shape[1] < 1 ||
      found->shape[0] >= kMaxVocabulary || found->shape[1] > kMaxWidth) {
    fail(*found, "[tokens, dimensions]");
  }
  const std::vector<float> stored = floats_of(*found);
  const TensorView* const mapping = source.find("mapping");
  const TensorView* const weights = source.find("weights");
  std::vector<std::int64_t> row_of;
  if (mapping != nullptr) row_of = rows_of(*mapping, found->shape[0]);
  const std::int64_t tokens =
      mapping != nullptr ? static_cast<std::int64_t>(row_of.size()) : found->shape[0];
  if (tokens < 1 || tokens >= kMaxVocabulary) fail(*mapping, "at most 16777215 tokens");
  std::vector<float> factors;
  if (weights != nullptr) {
    if (weights->shape != std::vector<std::int64_t>{tokens}) {
      fail(*weights, to_string(std::vector<std::int64_t>{tokens}));
    }
    factors = floats_of(*weights);
  }
  StaticTable table{.rows = tokens + 1, .cols = found->shape[1]};
  // A mapping could make a huge table of a small file. Rows and columns are too few for the product to overflow.
  const std::int64_t bytes = table.rows * table.cols * static_cast<std::int64_t>(sizeof(float));
  if (bytes > kMostTableBytes) {
    throw Error(ErrorCode::unsupported, "the table of " + std::to_string(tokens) +
                                            " tokens would have " + std::to_string(bytes) +
                                            " bytes; at most " + std::to_string(kMostTableBytes) +
                                            " are supported");
  }
  table.bytes = std::make_unique<std::byte[]>(static_cast<std::size_t>(bytes));  // zeros
  auto* to = reinterpret_cast<float*>(table.bytes.get());
  for (std::int64_t token = 0; token < tokens; ++token, to += table.cols) {
    const std::int64_t row = mapping != nullptr ? row_of[static_cast<std::size_t>(token)] : token;
    const float factor = weights != nullptr ? factors[static_cast<std::size_t>(token)] : 1.0f;
    const float* const from = stored.data() + row * table.cols;
    for (std::int64_t i = 0; i < table.cols; ++i) to[i] = from[i] * factor;
  }
  return table;
}

std::string config_for(const Facts& facts, const StaticTable& table) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("model_type", "static_embedding");
  writer.member("vocab_size", table.rows).member("hidden_size", table.cols);
  writer.member("max_position_embeddings", facts.max_length.value_or(kMostStaticTokens));
  writer.member("drop_unknown_tokens", facts.model2vec);
  writer.member("cut_characters", facts.model2vec && facts.max_length.has_value()).end();
  return out;
}

}  // namespace

std::optional<DirectorySource> open_static_embedding(Folder& folder) {
  Notices notices;
  std::optional<Facts> facts = read_model2vec(folder, notices);
  if (!facts) facts = read_modules(folder, notices);
  if (!facts) return std::nullopt;
  if (facts->model2vec) tell_other_modules(folder, *facts, notices);
  SentenceConfig sentence = read_sentence_settings(folder, notices);
  sentence.normalize = facts->normalize;
  sentence.max_seq_length = facts->max_length;
  std::optional<Folder> module;
  if (facts->module.empty()) {
    module = std::move(folder);
  } else {
    module = folder.find_folder(facts->module);
    if (!module) {
      throw Error(ErrorCode::not_found, folder.path().string() + ": there is no folder " +
                                            quote(facts->module) + ", which modules.json names");
    }
  }
  TensorSource source = open_checkpoint(*module);
  StaticTable table = make_table(source);
  TensorView tensor{.name = "embedding.weight",
                    .dtype = TensorDtype::f32,
                    .dtype_name = "F32",
                    .shape = {table.rows, table.cols},
                    .data = table.bytes.get(),
                    .bytes = table.rows * table.cols * static_cast<std::int64_t>(sizeof(float))};
  TensorSource made;
  made.set_path(source.path());
  made.own_files_of(std::move(source));
  made.own(std::move(table.bytes));
  made.add(std::move(tensor));

  JsonDocument config =
      JsonDocument::parse(config_for(*facts, table), module->path().string() + ": its shapes");
  return DirectorySource{*std::move(module), std::move(config), std::move(sentence),
                         std::move(made), std::move(notices)};
}

}  // namespace sapwood
