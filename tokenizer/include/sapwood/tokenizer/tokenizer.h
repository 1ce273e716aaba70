// Tokenizers of text encoders, equal to Hugging Face tokenizers 0.23 in ids, tokens, offsets, masks
// and windows.
//
//   text -> added tokens -> normalizer -> pre-tokenizer -> subword model -> truncation -> template
//
// Read from tokenizer.json, or from vocab.txt with tokenizer_config.json. Immutable after loading:
// every const method may run on any number of threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/error.h"
#include "sapwood/export.h"
#include "sapwood/named_buffer.h"
#include "sapwood/names.h"

namespace sapwood {

// A half-open range [start, end) of the caller's own text; {0, 0} for special tokens and padding.
// Of a pair, each token's range points into the text it came from (Encoding::sequence_ids says
// which).
struct Offsets {
  int32_t start = 0, end = 0;
  bool operator==(const Offsets&) const = default;
};

enum class OffsetUnit { code_points, bytes };

// Which of a pair is cut; for a single text the first three are the same.
enum class Truncation {
  longest_first,  // the longer text, token by token
  only_first,     // the first; error too_long where cutting it is not enough
  only_second,    // the second; error too_long where cutting it is not enough (or there is none)
  none,           // neither: error too_long
};

enum class Direction { right, left };

SAPWOOD_API EnumNames names_of(Truncation) noexcept;
SAPWOOD_API EnumNames names_of(Direction) noexcept;

struct EncodeOptions {
  bool add_special_tokens = true;  // apply the template ([CLS] ... [SEP])
  std::optional<int> max_length;   // tokens, special ones included; unset: no limit
  Truncation truncation = Truncation::longest_first;
  // Tokens that neighbouring windows of Encoding::overflowing share. Windows of more than 128 MiB
  // together are error too_long.
  int stride = 0;
  Direction truncation_direction = Direction::right;  // the end that is cut
  bool parse_special_tokens =
      true;  // false: "[MASK]" in the text is plain text (special tokens only)
  OffsetUnit offset_unit = OffsetUnit::code_points;
  bool offsets = true;      // false: Encoding::offsets stays empty
  bool overflowing = true;  // false: what is cut away is not kept in Encoding::overflowing
};

// The text of a token where it is not the vocabulary's own string: an added token that took
// whitespace with it, or that was matched in normalized form.
struct TokenText {
  int32_t index = 0;
  std::string text;
};

// One token per element in all vectors (offsets may be empty, see EncodeOptions).
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;
  std::vector<Offsets> offsets;
  std::vector<uint8_t> special_tokens_mask;  // 1: put there by the template or by padding
  std::vector<int32_t> word_ids;             // index of the pre-tokenized word; -1: special
  std::vector<int32_t> sequence_ids;         // 0 or 1: the text it came from; -1: special
  std::vector<TokenText> token_texts;        // nearly always empty; see Tokenizer::tokens()
  std::vector<Encoding> overflowing;         // windows after the first; in the reference's order
  bool truncated = false;                    // something was cut to meet max_length

  std::size_t size() const noexcept { return ids.size(); }
  SAPWOOD_API void clear() noexcept;  // keeps the capacity
};

// tokenizer.json's "truncation" section: the defaults its maker gave. encode() does not apply it by
// itself; see Tokenizer::max_length.
struct TruncationSection {
  int max_length = 512;
  Truncation strategy = Truncation::longest_first;
  int stride = 0;
  Direction direction = Direction::right;
};

// tokenizer.json's "padding" section. encode() never pads; pad() does on request.
struct PaddingSection {
  std::optional<int> fixed_length;  // unset: to the longest of the batch
  Direction direction = Direction::right;
  int pad_to_multiple_of = 0;  // 0: no rounding
  int32_t pad_id = 0;
  int32_t pad_type_id = 0;
  std::string pad_token = "[PAD]";
};

// How text is prepared for a vocabulary that comes without tokenizer.json; BERT's own meaning.
struct VocabOptions {
  std::optional<bool> lowercase;      // unset: true, with a notice: a vocabulary does not say it
  std::optional<bool> strip_accents;  // unset: as `lowercase`
  bool tokenize_chinese_chars = true;
  bool clean_text = true;
  std::string unk_token = "[UNK]", sep_token = "[SEP]", pad_token = "[PAD]", cls_token = "[CLS]",
              mask_token = "[MASK]";
  std::optional<int> model_max_length;
  bool clean_up_tokenization_spaces = false;  // see Tokenizer::clean_up_tokenization_spaces
};

// The storage that encoding works in. Where one call after the other is given the same scratch, only
// the first ones allocate. It serves any tokenizer and any options, but one call at a time; what a
// long text made large is given back when its call ends, also by an error.
class SAPWOOD_API EncodeScratch {
 public:
  struct SAPWOOD_LOCAL Buffers;  // opaque

  EncodeScratch() noexcept;  // allocates nothing
  EncodeScratch(EncodeScratch&&) noexcept;
  EncodeScratch& operator=(EncodeScratch&&) noexcept;
  ~EncodeScratch();

  // What it holds: 0 before its first use and after it was moved from.
  std::size_t bytes() const noexcept;

 private:
  friend class Tokenizer;
  SAPWOOD_LOCAL Buffers& buffers();
  std::unique_ptr<Buffers> buffers_;
};

class Folder;

class SAPWOOD_API Tokenizer {
 public:
  struct SAPWOOD_LOCAL Impl;  // opaque

  // A directory (tokenizer.json, else vocab.txt; with tokenizer_config.json, special_tokens_map.json
  // and added_tokens.json where they are), a tokenizer.json, or a vocab.txt. Where a directory has
  // both vocabularies tokenizer.json counts; a difference is a notice. `options` counts only where
  // there is no tokenizer.json; a tokenizer_config.json beside a vocab.txt fills in what `options`
  // leaves at its default. What each key means: tokenizer/KEYS.md. Errors: not_found, io, malformed,
  // mismatch, unsupported (a component or a class of tokenizers this version does not know, by name).
  static Tokenizer load(const std::filesystem::path& path, const VocabOptions& options = {});
  SAPWOOD_LOCAL static Tokenizer load(const Folder& folder,
                                      const VocabOptions& options = {});  // internal

  // The text of a tokenizer.json and, if there is one, of its tokenizer_config.json.
  static Tokenizer from_json(std::string_view tokenizer_json,
                             std::string_view tokenizer_config = {});

  // The bytes of a vocab.txt: one token a line, its id is the line number from 0.
  static Tokenizer from_vocab(std::string_view vocab_txt, const VocabOptions& options);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  Tokenizer(const Tokenizer&);  // cheap: copies share the immutable tables
  Tokenizer& operator=(const Tokenizer&);
  ~Tokenizer();

  // A complete tokenizer.json from which from_json makes the same tokenizer. What
  // tokenizer_config.json gave (special tokens, model_max_length) is kept in its "sapwood" member,
  // which other readers ignore.
  std::string to_json() const;

  // The same in parts, which load several times faster: what a converted model holds.
  struct Table {
    std::string name, bytes;
  };
  struct Parts {
    // A tokenizer.json in which the tables of the model have only what `tables` cannot hold.
    std::string settings;
    // By name; each model has its own. "vocabulary" has the token of the id i in line i, from 0;
    // empty where no other token has it. Every line ends with "\n", and everything before that is
    // the token's.
    std::vector<Table> tables;
  };
  Parts to_parts() const;

  // From to_parts; the bytes are not needed any more afterwards. There may be no tables where
  // `settings` is a whole tokenizer.json. Errors: as from_json; unsupported also for a table that
  // this version does not know.
  static Tokenizer from_parts(std::string_view settings, std::span<const NamedBuffer> tables);
  static Tokenizer from_parts(const Parts& parts);

  // Errors: invalid_utf8; too_long, also where the file's normalizers make the text grow beyond
  // measure; invalid_argument (max_length or stride that cannot be met); unsupported (a regular
  // expression of the file that does too much work on this text).
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
  Encoding encode(std::string_view text, std::string_view pair,
                  const EncodeOptions& options = {}) const;
  // The same for hot loops: the storage of the Encoding and of the scratch is reused.
  void encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                   const EncodeOptions& options = {}) const;
  void encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                   std::string_view pair, const EncodeOptions& options = {}) const;

  // The text of the ids, by the decoder of the file (WordPiece: "##" joined, spaces before
  // punctuation removed if it says cleanup). Ids without a token are skipped, as the reference
  // does. Error too_long where the tokens have more than 256 MiB together.
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens = true) const;

  // The text of tokens (or of strings that stand for them), by the decoder of the file; with spaces
  // between them where it has none.
  std::string join(std::span<const std::string> tokens) const;

  // The token of an id in [0, vocab_size()); empty for an id that no token has. Throws Error
  // invalid_argument outside that range. The view lives as long as the tokenizer or a copy of it.
  std::string_view token(int32_t id) const;
  std::optional<int32_t> id(std::string_view token) const;

  // The strings of an encoding's tokens, as the reference gives them. Error too_long where they
  // have more than 256 MiB together.
  std::vector<std::string> tokens(const Encoding& encoding) const;

  // Whether a token of a text continues the word of the token before it, by the rule of
  // TokenClassificationPipeline in transformers. `source`: the text that the token came from. `edge`:
  // the first character of that with the character before it; empty at the start of the text.
  // Throws Error invalid_argument for an id outside [0, vocab_size()).
  bool continues_word(int32_t id, std::string_view source, std::string_view edge) const;

  bool is_special(int32_t id) const noexcept;  // an added token with its "special" flag set

  // What its files said that a user should know: whole sentences.
  const std::vector<std::string>& notices() const noexcept;

  // One more than the largest id, added tokens included.
  int vocab_size() const noexcept;

  // Number of tokens the template adds to a text or a pair.
  int num_special_tokens(bool pair) const noexcept;

  std::optional<int32_t> cls_id() const noexcept;
  std::optional<int32_t> sep_id() const noexcept;
  std::optional<int32_t> mask_id() const noexcept;
  std::optional<int32_t> pad_id() const noexcept;
  std::optional<int32_t> unk_id() const noexcept;

  // The subword model, as tokenizer.json calls it: "WordPiece", "Unigram", "BPE".
  std::string_view model_type() const noexcept;
  // From tokenizer_config.json; unset where it is absent or the "no limit" number (1e30).
  std::optional<int> model_max_length() const noexcept;
  // The most tokens of a text that the files ask for: model_max_length; where there is no tokenizer_config.json, the
  // length in tokenizer.json's truncation section, which beside one is what its makers trained with.
  std::optional<int> max_length() const noexcept;
  // The end of a text that is cut: tokenizer_config.json's truncation_side, else that of the truncation section, else
  // right.
  Direction truncation_side() const noexcept;
  // tokenizer_config.json's: transformers takes spaces before punctuation out of decoded text.
  // decode() leaves that to its caller, as the reference's decode does.
  bool clean_up_tokenization_spaces() const noexcept;
  const std::optional<TruncationSection>& truncation() const noexcept;
  const std::optional<PaddingSection>& padding() const noexcept;

  // The options that the file's own truncation section stands for (no limit where it has none).
  EncodeOptions default_options() const;

  // Pads every encoding (and its windows) as `padding` says; to the longest of them unless a length
  // is fixed. Error invalid_argument where that adds more than 65,536 tokens to the longest.
  static void pad(std::span<Encoding> encodings, const PaddingSection& padding);

 private:
  SAPWOOD_LOCAL explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace sapwood
