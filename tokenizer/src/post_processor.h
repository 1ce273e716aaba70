// Truncation and template: from the tokens of one or two texts to the encoding and its windows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "offset_trimmer.h"
#include "sapwood/tokenizer/tokenizer.h"
#include "text.h"

namespace sapwood {

// The tokens of one text before the template.
struct Tokens {
  std::vector<int32_t> ids;
  std::vector<Span> spans;
  std::vector<int32_t> words;
  std::vector<TokenText> texts;
  bool cut_short = false;  // tokenizing stopped early because no more was wanted

  std::size_t size() const noexcept { return ids.size(); }
  void clear() noexcept;
  void reserve(std::size_t n) {
    ids.reserve(n);
    spans.reserve(n);
    words.reserve(n);
  }
  void push(int32_t id, Span span, int32_t word) {
    ids.push_back(id);
    spans.push_back(span);
    words.push_back(word);
  }
  // The same for a token that shows other text than the vocabulary has for its id.
  void push(int32_t id, Span span, int32_t word, std::string_view shown) {
    texts.push_back({static_cast<int32_t>(size()), std::string(shown)});
    push(id, span, word);
  }
  void truncate(std::size_t n);
};

// A step of a template: special tokens, or one of the texts.
struct TemplatePiece {
  int sequence = -1;         // 0 or 1; -1: special tokens
  std::vector<int32_t> ids;  // of the special tokens
  int32_t type_id = 0;
};

class PostProcessor {
 public:
  // Without a template: the texts one after the other, the second of type 1.
  PostProcessor();
  // Error malformed for a template of more than kMaxSpecial special tokens or kMaxTexts texts: it
  // would make many tokens of few.
  PostProcessor(std::vector<TemplatePiece> single, std::vector<TemplatePiece> pair);

  // All tokens are of type 0: the model is not told which text they are of.
  void drop_types() noexcept;

  // Each token's offsets lose the white space that `trimmer` says.
  void set_trimmer(OffsetTrimmer trimmer) { trimmer_ = std::move(trimmer); }
  const std::optional<OffsetTrimmer>& trimmer() const noexcept { return trimmer_; }

  // With special tokens the windows that are cut away have the types of the template too, instead of
  // the numbers of their texts.
  void set_types_of_windows() noexcept { types_of_windows_ = true; }

  int num_special(bool pair) const noexcept;

  // Fills `out` from the tokens of `first` and, unless null, `second`. byte_offsets: for each text
  // null, or the byte at which each code point begins (offsets then come out in bytes). Errors
  // too_long and invalid_argument as EncodeOptions says.
  void assemble(const Tokens& first, const Tokens* second, const EncodeOptions& options,
                const std::vector<uint32_t>* const byte_offsets[2], Encoding& out) const;

  static constexpr std::size_t kMaxSpecial = 256, kMaxTexts = 4;
  // Memory of all windows of one call but the first; more is error too_long. Without stride it is
  // reached by a text of about 20 MB.
  static constexpr std::size_t kMaxWindowBytes = std::size_t{1} << 27;

 private:
  std::vector<TemplatePiece> single_, pair_;
  std::optional<OffsetTrimmer> trimmer_;
  bool types_of_windows_ = false;
  bool types_ = true;  // until drop_types()
};

}  // namespace sapwood
