#include "subword_model.h"

#include <algorithm>
#include <span>

#include "base/quote.h"
#include "bpe.h"
#include "components.h"
#include "unigram.h"
#include "wordpiece.h"

namespace sapwood {
namespace {

struct ModelKind {
  std::string_view type;
  std::unique_ptr<const SubwordModel> (*make)(TokenizerDocument& document);
  // Names of the tables that it reads besides the vocabulary.
  std::span<const std::string_view> tables = {};
};

constexpr std::string_view kUnigramTables[] = {kScoresTable, kPiecesTable};
constexpr std::string_view kBpeTables[] = {kMergesTable};

constexpr ModelKind kModels[] = {
    {"BPE", make_bpe, kBpeTables},
    {"Unigram", make_unigram, kUnigramTables},
    {"WordPiece", make_word_piece},
};

// Files that are older than the member "type" show it by their other members.
std::string_view type_of(const JsonValue& model) {
  return model.string("type", model.has("merges") ? "BPE" : "WordPiece");
}

// A table that nobody reads would be one that another version needed.
void require_known(const std::vector<NamedBuffer>& tables, const ModelKind& kind) {
  for (const NamedBuffer& table : tables) {
    if (std::find(kind.tables.begin(), kind.tables.end(), table.name) != kind.tables.end())
      continue;
    throw Error(
        ErrorCode::unsupported,
        "the table " + quote(table.name) + " of the model " + std::string(kind.type) +
            " is not one that this version knows: convert the model again with this version");
  }
}

}  // namespace

std::string_view Word::utf8() {
  EncodeScratch::Buffers& scratch = call_.scratch;
  to_utf8(text_, range_, scratch.word, scratch.char_at);
  return scratch.word;
}

std::string_view subword_model_type(const TokenizerDocument& document) {
  const std::string_view type = type_of(document.json.root().at("model"));
  const auto kind = std::ranges::find(kModels, type, &ModelKind::type);
  return kind == std::end(kModels) ? std::string_view() : kind->type;
}

std::unique_ptr<const SubwordModel> make_subword_model(TokenizerDocument& document) {
  const JsonValue model = document.json.root().at("model");
  const std::string_view type = type_of(model);
  const auto kind = std::ranges::find(kModels, type, &ModelKind::type);
  if (kind == std::end(kModels)) refuse_type(model, "model", type);
  require_known(document.tables, *kind);
  return kind->make(document);
}

}  // namespace sapwood
