// Static embeddings: a row for each token, and nothing between them. load/static_embedding.h writes their config.json.
#include "architecture/family.h"
#include "graph/builder.h"
#include "weights/table.h"

namespace sapwood::families::static_embedding {
namespace {

constexpr std::string_view kWord = "embedding.weight";
constexpr HeadClass kHeads[] = {{.suffix = "Model"}};

void parse(const ConfigFields& fields, ModelConfig& config) {
  config.vocab_size = fields.integer("vocab_size", 1, kMaxVocabulary);
  config.hidden = fields.integer("hidden_size", 1, kMaxWidth);
  config.max_positions = fields.integer("max_position_embeddings", 1, kMaxPositions);
  config.heads = 1;
  config.positions = PositionKind::none;
  config.embedding_norm = false;
  config.static_embedding = {.drop_unknown = fields.boolean("drop_unknown_tokens", false),
                             .cut_characters = fields.boolean("cut_characters", false)};
}

void tensors(Table& table, const ModelConfig&, const std::string& prefix) {
  table.words({prefix + std::string(kWord)});
}

ValueId encoder(GraphBuilder& build) { return build.embeddings(); }

}  // namespace

extern const Family kFamily = {.model_type = "static_embedding",
                               .class_prefix = "Static",
                               .encoder_prefix = "",
                               .word_embedding = kWord,
                               .heads = kHeads,
                               .harmless_keys = {},
                               .parse = parse,
                               .tensors = tensors,
                               .encoder = encoder};

}  // namespace sapwood::families::static_embedding
