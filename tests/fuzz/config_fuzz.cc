// config.json and its companions, without weights: what is read of them, and what of that goes into a converted file.
#include "architecture/parse_config.h"
#include "base/file.h"
#include "config/sentence.h"
#include "files.h"
#include "sapwood/model.h"
#include "target.h"

namespace sapwood::fuzz {
namespace {

void check_config(const ModelConfig& config) {
  require(
      config.vocab_size > 0 && config.hidden > 0 && config.max_positions > 0 && config.layers >= 0,
      "a configuration of nothing");
  if (config.static_embedding) return;
  require(config.heads > 0 && config.hidden % config.heads == 0, "heads that do not divide");
  require(config.global_every > 0, "every 0th layer");
}

void read_sentence(const Folder& folder) {
  Notices notices;
  const std::optional<SentenceConfig> sentence = read_sentence_config(folder, notices);
  if (!sentence || !sentence->unsupported.empty()) return;
  const std::string json = to_json(*sentence);
  try {
    const JsonDocument document = JsonDocument::parse(json, "sapwood.sentence");
    require(to_json(sentence_from_json(document.root())) == json, "a sentence config that changes");
  } catch (const Error& error) {
    throw Disagreement("what was read cannot be read from a converted file: " +
                       std::string(error.what()));
  }
}

void read_configuration(std::string_view input) {
  const std::vector<InputPart> parts = split_parts(input);
  const std::vector<NamedBuffer> files = as_files(parts);
  accepted([&] {
    const Folder folder("fuzz", files);
    accepted([&] { read_sentence(folder); });
    accepted([&] { load_tokenizer(files); });
    Notices notices;
    const JsonDocument config = read_json(folder.at("config.json"), notices);
    check_config(parse_config(config.root(), &notices));
  });
}

const Registration kConfigTarget({"config", read_configuration});

}  // namespace
}  // namespace sapwood::fuzz
