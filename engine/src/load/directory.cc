#include "load/directory.h"

#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "base/error_place.h"
#include "base/quote.h"
#include "checkpoint/checkpoint.h"
#include "config/fields.h"
#include "config/sentence.h"
#include "load/hub_cache.h"
#include "load/static_embedding.h"
#include "weights/left_out.h"
#include "weights/prefix.h"

namespace sapwood {

namespace {

// The tensors of a module, by names that begin with its folder.
void add_module(const Folder& folder, const std::string& path, TensorSource& checkpoint) {
  if (path.empty()) return;  // they are the model's own
  const auto of_module = folder.find_folder(path);
  if (!of_module) {
    throw Error(ErrorCode::not_found, folder.path().string() + ": there is no folder " +
                                          quote(path) + ", which modules.json names: download it");
  }
  checkpoint.merge(open_checkpoint(*of_module), path + "/");
}

void add_modules(const Folder& folder, const SentenceConfig& sentence, TensorSource& checkpoint) {
  for (const auto* modules : {&sentence.modules, &sentence.token_modules}) {
    for (const VectorModule& module : *modules) add_module(folder, module.path, checkpoint);
  }
  if (sentence.sparse) add_module(folder, sentence.sparse->query_path, checkpoint);
}

// Stanford's ColBERT, which has none of sentence-transformers' files: the projection of each token's vector stands beside the
// encoder, and what it gives is made of length 1 (colbert/modeling/colbert.py of its code).
std::optional<SentenceConfig> colbert_projection(const JsonValue& config,
                                                 const TensorSource& checkpoint) {
  const auto classes = config.find("architectures");
  const TensorView* const weight = checkpoint.find("linear.weight");
  if (!classes || !classes->is_array() || weight == nullptr || weight->shape.size() != 2) {
    return std::nullopt;
  }
  bool named = false;
  for (const JsonValue each : classes->elements()) {
    named = named || (each.is_string() && each.string() == "HF_ColBERT");
  }
  const std::int64_t out = weight->shape[0], in = weight->shape[1];
  if (!named || in < 1 || in > kMaxWidth || out < 1 || out > kMaxWidth) return std::nullopt;
  SentenceConfig sentence;
  sentence.token_modules = {{.kind = VectorModuleKind::dense,
                             .in = static_cast<int>(in),
                             .out = static_cast<int>(out),
                             .bias = false,
                             .activation = Activation::none},
                            {}};
  sentence.unsupported =
      "a ColBERT model makes one vector a token: ask for those, with pooling none (embed --pooling "
      "none)";
  return sentence;
}

// Throws Error mismatch for a table of token types that config.json denies: its rows would be missing from every sum, and
// transformers refuses such a model, too.
void check_token_types(const DirectorySource& source, const ModelConfig& config,
                       const std::string& prefix) {
  const JsonValue root = source.config.root();
  if (config.type_vocab != 0 || !root.has("type_vocab_size")) return;
  const std::string name = prefix + "embeddings.token_type_embeddings.weight";
  const TensorView* const table = source.checkpoint.find(name);
  if (table == nullptr || table->shape.empty() || table->shape[0] == 0) return;
  root.fail_at("type_vocab_size",
               "expected " + std::to_string(table->shape[0]) + ", as tensor " + quote(name) +
                   " of the checkpoint has rows, found 0",
               ErrorCode::mismatch);
}

DirectorySource open_files(Folder folder) {
  if (auto source = open_static_embedding(folder)) return *std::move(source);
  Notices notices;
  auto sentence = read_sentence_config(folder, notices);
  std::optional<Folder> inner = transformer_folder(folder);
  const Folder& model = inner ? *inner : folder;
  JsonDocument config = read_json(model.at("config.json"), notices);
  TensorSource checkpoint = open_checkpoint(model);
  strip_wrapper(checkpoint, family_of_config(config.root()), notices);
  if (!sentence) sentence = colbert_projection(config.root(), checkpoint);
  if (sentence) add_modules(folder, *sentence, checkpoint);
  return {inner ? *std::move(inner) : std::move(folder), std::move(config), std::move(sentence),
          std::move(checkpoint), std::move(notices)};
}

}  // namespace

DirectorySource open_directory(Folder folder) {
  const std::filesystem::path path = folder.path();
  return reading_directory(path, [&] { return open_files(std::move(folder)); });
}

LoadedParts describe_directory(const DirectorySource& source) {
  LoadedParts parts;
  parts.format = "huggingface";
  parts.notices = source.notices;
  const KnownWeights weights_known{
      {}, [&](const std::string& tensor) { return source.checkpoint.find(tensor) != nullptr; }};
  parts.config = parse_config(source.config.root(), &parts.notices, weights_known);
  add_sentence(parts.config, source.sentence);
  const std::string weights = source.checkpoint.path().string();
  const int labels = placing(weights, [&] {
    drop_missing_head(source.checkpoint, parts.config, parts.notices);
    settle_decoder(source.checkpoint, parts.config, parts.notices);
    return count_labels(source.checkpoint, parts.config);
  });
  placing(source.config.where(), [&] { resolve_labels(parts.config, labels); });
  const std::string prefix =
      placing(weights, [&] { return encoder_prefix(source.checkpoint, parts.config); });
  check_token_types(source, parts.config, prefix);
  tell_layers_left_out(source.checkpoint, parts.config, prefix, parts.notices);
  return parts;
}

LoadedParts pack_directory(const DirectorySource& source, const WeightTypes& types) {
  LoadedParts parts = describe_directory(source);
  parts.weights = PackedWeights::pack(source.checkpoint, parts.config, types);
  parts.parameters = parts.weights.parameters();
  parts.source_dtype = parts.weights.source_dtype();
  parts.unused_tensors = parts.weights.unused();
  return parts;
}

LoadedParts load_directory(Folder folder, const WeightTypes& types, bool tokenizer) {
  const DirectorySource source = open_directory(std::move(folder));
  LoadedParts parts = pack_directory(source, types);
  if (tokenizer) {
    parts.tokenizer =
        reading_directory(source.folder.path(), [&] { return Tokenizer::load(source.folder); });
  }
  return parts;
}

}  // namespace sapwood
