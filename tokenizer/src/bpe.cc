#include "bpe.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "byte_level_bpe.h"
#include "sapwood/error.h"
#include "sapwood/utf8.h"

namespace sapwood {
Bpe::Bpe(Vocabulary vocabulary, std::optional<int32_t> unk_id, BpeOptions options,
         const std::vector<MergeTable::Merge>& merges)
    : SubwordModel(std::move(vocabulary), unk_id, options.continuing_subword_prefix),
      options_(std::move(options)),
      merges_(merges, !options_.continuing_subword_prefix.empty()),
      affixes_(!options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty()),
      fates_(static_cast<std::size_t>(this->vocabulary().size())) {
  for (char32_t c = 0; c < kDirect; ++c) direct_[c] = find_character(c);
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (int byte = 0; byte < 256; ++byte) {
    const char name[] = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
    bytes_[byte] = this->vocabulary().find({name, sizeof name});
  }
}

int32_t Bpe::find_character(char32_t c) const noexcept {
  char bytes[4];
  std::size_t n = 0;
  if (c < 0x80) {
    bytes[n++] = static_cast<char>(c);
  } else {
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    constexpr unsigned char kLead[] = {0, 0xC0, 0xE0, 0xF0};
    bytes[n++] = static_cast<char>(kLead[more] | c >> 6 * more);
    for (int i = more - 1; i >= 0; --i) bytes[n++] = static_cast<char>(0x80 | (c >> 6 * i & 0x3F));
  }
  return vocabulary().find({bytes, n});
}

int32_t Bpe::required_unk() const {
  if (const auto id = unk_id()) return *id;
  throw Error(ErrorCode::unsupported,
              "the text has a character that the vocabulary lacks, and the vocabulary lacks "
              "unk_token " +
                  quote(*options_.unk_token) +
                  " too: add it, or name the right one as model.unk_token");
}

bool Bpe::push_bytes(std::string_view character, std::vector<BpeSymbol>& symbols) const {
  for (const char c : character) {
    if (bytes_[static_cast<unsigned char>(c)] < 0) return false;
  }
  for (const char c : character) {
    symbols.push_back({bytes_[static_cast<unsigned char>(c)], 1, 0, 0});
  }
  return true;
}

// One symbol a character, or what stands for one that is unknown. As in the reference, a character
// that nothing stands for is left out, and an unknown token comes behind the bytes of those after it.
void Bpe::start(std::string_view word, std::vector<BpeSymbol>& symbols) const {
  symbols.clear();
  std::string affixed;
  uint32_t unknown = 0;  // bytes of the unknown token that is not in the list yet
  const auto flush = [&] {
    if (unknown > 0) symbols.push_back({required_unk(), unknown, 0, 0});
    unknown = 0;
  };
  for (std::size_t begin = 0, end; begin < word.size(); begin = end) {
    for (end = begin + 1; end < word.size() && (word[end] & 0xC0) == 0x80;) ++end;
    const std::string_view text = word.substr(begin, end - begin);
    int32_t id;
    if (affixes_) {
      affixed.assign(begin > 0 ? options_.continuing_subword_prefix : "").append(text);
      if (end == word.size()) affixed += options_.end_of_word_suffix;
      id = vocabulary().find(affixed);
    } else {
      id = character(utf8::decode(text));
    }
    const auto length = static_cast<uint32_t>(end - begin);
    if (id >= 0) {
      flush();
      symbols.push_back({id, length, 0, 0});
    } else if (options_.byte_fallback && push_bytes(text, symbols)) {
      continue;
    } else if (options_.unk_token) {
      required_unk();
      if (!options_.fuse_unk) flush();
      unknown += length;
    }
  }
  flush();
}

void Bpe::remember(int32_t token, const std::vector<BpeSymbol>& symbols, std::size_t bytes) const {
  if (token < 0) return;
  const bool whole = symbols.size() == 1 && symbols[0].id == token && symbols[0].length == bytes;
  fates_[static_cast<std::size_t>(token)].store(whole ? kWhole : kCut, std::memory_order_relaxed);
}

void Bpe::tokenize(Word& word) const {
  const std::string_view bytes = word.utf8();
  const int32_t token =
      bytes.size() > vocabulary().max_token_bytes() ? -1 : vocabulary().find(bytes);
  if (const int32_t id = whole(token); id >= 0) {
    word.push(id, 0, bytes.size());
    return;
  }
  std::vector<BpeSymbol>& symbols = word.scratch().symbols;
  start(bytes, symbols);
  merges_.apply(symbols, word.scratch().candidates);
  remember(token, symbols, bytes.size());
  std::size_t begin = 0;
  for (const BpeSymbol& symbol : symbols) {
    word.push(symbol.id, begin, begin + symbol.length);
    begin += symbol.length;
  }
}

std::unique_ptr<const Shortcut> Bpe::shortcut(const Normalizer* normalizer,
                                              const PreTokenizer* pre_tokenizer) const {
  if (affixes_) return nullptr;
  return ByteLevelBpe::make(*this, normalizer, pre_tokenizer);
}

bool Bpe::is_table(std::string_view key) const noexcept {
  return key == "merges" || SubwordModel::is_table(key);
}

void Bpe::write_tables(JsonWriter& model, std::vector<Tokenizer::Table>* tables) const {
  SubwordModel::write_tables(model, tables);
  model.key("merges").begin_array();
  std::string bytes;
  for (const auto& [left, right] : merges_.pairs()) {
    if (!tables) {
      model.begin_array().value(vocabulary().token(left)).value(vocabulary().token(right)).end();
      continue;
    }
    for (const int32_t id : {left, right}) {
      for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(id >> shift);
    }
  }
  model.end();
  if (tables) tables->push_back({std::string(kMergesTable), std::move(bytes)});
}

namespace {

// The members of "model" that hold merges, as pairs of tokens of the vocabulary.
class MergesReader {
 public:
  MergesReader(const Vocabulary& vocabulary, std::size_t prefix)
      : vocabulary_(vocabulary), prefix_(prefix) {}

  std::vector<MergeTable::Merge> read(const JsonValue& merges) {
    std::vector<MergeTable::Merge> result;
    if (!merges.is_array()) merges.expected("an array of merges");
    result.reserve(merges.size());
    for (const JsonValue merge : merges.elements()) {
      if (merge.is_string()) {
        // The older form: a merges.txt whose first line may still be there.
        const std::string_view line = merge.string();
        if (line.starts_with("#version")) continue;
        const std::size_t space = line.find(' ');
        if (space == line.npos || line.find(' ', space + 1) != line.npos) {
          merge.expected("two tokens with a space between them");
        }
        result.push_back(make(line.substr(0, space), line.substr(space + 1),
                              [&](const std::string& problem) { merge.fail(problem); }));
      } else {
        if (!merge.is_array() || merge.size() != 2) merge.expected("a pair of tokens");
        auto token = merge.elements().begin();
        const JsonValue left = *token, right = *++token;
        result.push_back(make(left.string(), right.string(),
                              [&](const std::string& problem) { merge.fail(problem); }));
      }
    }
    return result;
  }

  std::vector<MergeTable::Merge> read(const NamedBuffer& table) {
    const auto fail = [](const std::string& problem) {
      throw Error(ErrorCode::malformed, "the table of merges: " + problem);
    };
    if (table.bytes.size() % 8 != 0) {
      fail("expected 8 bytes a merge, found " + std::to_string(table.bytes.size()) +
           " bytes: it was cut short");
    }
    std::vector<MergeTable::Merge> result;
    result.reserve(table.bytes.size() / 8);
    const auto id_at = [&](std::size_t at) {
      uint32_t id = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        id |= std::to_integer<uint32_t>(table.bytes[at + i]) << 8 * i;
      }
      const auto value = static_cast<int32_t>(id);
      if (!vocabulary_.has(value)) fail("no token has the id " + std::to_string(id));
      return value;
    };
    for (std::size_t at = 0; at < table.bytes.size(); at += 8) {
      result.push_back(make(vocabulary_.token(id_at(at)), vocabulary_.token(id_at(at + 4)), fail));
    }
    return result;
  }

 private:
  template <typename Fail>
  MergeTable::Merge make(std::string_view left, std::string_view right, const Fail& fail) {
    const auto id = [&](std::string_view token) {
      const int32_t found = vocabulary_.find(token);
      if (found < 0) {
        fail("the merge of " + quote(left) + " and " + quote(right) + " needs the token " +
             quote(token) + ", which the vocabulary lacks: add the token or take the merge out");
      }
      return found;
    };
    if (right.size() < prefix_) {
      fail("the merge of " + quote(left) + " and " + quote(right) +
           ": the second token is shorter than continuing_subword_prefix");
    }
    MergeTable::Merge merge{id(left), id(right), 0};
    // As many bytes of the second as the prefix has are left out, whatever they are.
    result_.assign(left).append(right.substr(prefix_));
    merge.result = id(result_);
    return merge;
  }

  const Vocabulary& vocabulary_;
  std::size_t prefix_;
  std::string result_;
};

std::string affix(const JsonValue& model, std::string_view key) {
  const std::string_view text = model.string(key, "");
  if (text.size() <= Bpe::kMaxAffixBytes) return std::string(text);
  model.fail_at(key, "expected at most " + std::to_string(Bpe::kMaxAffixBytes) + " bytes, found " +
                         std::to_string(text.size()));
}

BpeOptions read_options(const JsonValue& model) {
  if (model.has("dropout") && model.at("dropout").number() != 0) {
    model.at("dropout").fail(
        "dropout makes tokens a matter of chance, which is for training: set it to null",
        ErrorCode::unsupported);
  }
  BpeOptions options;
  if (model.has("unk_token")) options.unk_token = std::string(model.string("unk_token"));
  options.continuing_subword_prefix = affix(model, "continuing_subword_prefix");
  options.end_of_word_suffix = affix(model, "end_of_word_suffix");
  options.fuse_unk = model.boolean("fuse_unk", false);
  options.byte_fallback = model.boolean("byte_fallback", false);
  options.ignore_merges = model.boolean("ignore_merges", false);
  if (options.byte_fallback &&
      (!options.continuing_subword_prefix.empty() || !options.end_of_word_suffix.empty())) {
    model.at("byte_fallback")
        .fail(
            "byte_fallback together with continuing_subword_prefix or end_of_word_suffix is not "
            "supported: set one of them to null",
            ErrorCode::unsupported);
  }
  return options;
}

}  // namespace

std::vector<std::string> without_suffix(std::vector<std::string> tokens, std::string_view suffix) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string token = std::exchange(tokens[i], {});
    std::string& text = tokens[i];
    const std::string_view space = i + 1 < tokens.size() ? " " : "";
    std::size_t done = 0;
    for (std::size_t at = 0; (at = token.find(suffix, at)) != token.npos;) {
      // An empty suffix is between all characters.
      if (suffix.empty() && at < token.size() && (token[at] & 0xC0) == 0x80) {
        ++at;
        continue;
      }
      text.append(token, done, at - done).append(space);
      done = at + suffix.size();
      at = std::max(done, at + 1);
    }
    text.append(token, done);
  }
  return tokens;
}

std::unique_ptr<const SubwordModel> make_bpe(TokenizerDocument& document) {
  const JsonValue model = document.json.root().at("model");
  BpeOptions options = read_options(model);
  Vocabulary vocabulary(take_vocabulary(document), "model.vocab");
  MergesReader reader(vocabulary, options.continuing_subword_prefix.size());
  std::vector<MergeTable::Merge> merges = reader.read(model.at("merges"));
  for (const NamedBuffer& table : document.tables) {
    if (table.name == kMergesTable) merges = reader.read(table);
  }
  std::optional<int32_t> unk_id;
  if (options.unk_token) {
    const int32_t id = vocabulary.find(*options.unk_token);
    if (id >= 0) unk_id = id;
  }
  return std::make_unique<const Bpe>(std::move(vocabulary), unk_id, std::move(options), merges);
}

}  // namespace sapwood
