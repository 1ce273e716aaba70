#include "load/directory.h"

#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "base/error_place.h"
#include "checkpoint/checkpoint.h"
#include "config/sentence.h"
#include "load/hub_cache.h"
#include "load/static_embedding.h"

namespace sapwood {

namespace {

DirectorySource open_files(Folder folder) {
  if (auto source = open_static_embedding(folder)) return *std::move(source);
  Notices notices;
  JsonDocument config = read_json(folder.at("config.json"), notices);
  auto sentence = read_sentence_config(folder, notices);
  TensorSource checkpoint = open_checkpoint(folder);
  return {std::move(folder), std::move(config), sentence, std::move(checkpoint),
          std::move(notices)};
}

}  // namespace

DirectorySource open_directory(Folder folder) {
  const std::filesystem::path path = folder.path();
  return reading_directory(path, [&] { return open_files(std::move(folder)); });
}

LoadedParts pack_directory(const DirectorySource& source, const WeightTypes& types) {
  LoadedParts parts;
  parts.format = "huggingface";
  parts.notices = source.notices;
  parts.config = parse_config(source.config.root(), &parts.notices);
  parts.config.sentence = source.sentence;
  const std::string weights = source.checkpoint.path().string();
  const int labels = placing(weights, [&] {
    drop_missing_head(source.checkpoint, parts.config, parts.notices);
    return count_labels(source.checkpoint, parts.config);
  });
  placing(source.config.where(), [&] { resolve_labels(parts.config, labels); });
  parts.weights =
      placing(weights, [&] { return PackedWeights::pack(source.checkpoint, parts.config, types); });
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
