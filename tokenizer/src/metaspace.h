// Metaspace: SentencePiece's way with spaces. A visible character stands for each of them and, before
// words, for one that is not in the text.
#pragma once

#include <memory>

#include "base/json.h"
#include "pre_tokenizer.h"

namespace sapwood {

// Where a space is put before the text that does not begin with one.
enum class PrependScheme {
  always,
  first,
  never
};  // every word; that at the text's beginning; none

struct MetaspaceOptions {
  char32_t replacement = U'\u2581';
  PrependScheme prepend = PrependScheme::always;
  bool split = true;  // into words that begin with the replacement
};

class MetaspacePreTokenizer final : public RewritingPreTokenizer {
 public:
  explicit MetaspacePreTokenizer(const MetaspaceOptions& options) : options_(options) {}
  const MetaspaceOptions& options() const noexcept { return options_; }

 private:
  void rewrite(const Text& text, Range range, Call& call, Text& result,
               std::vector<Range>& out) const override;
  const char* name() const noexcept override { return "the pre-tokenizer Metaspace"; }

  MetaspaceOptions options_;
};

// The members of a pre-tokenizer or decoder Metaspace. Error malformed for those that are missing or
// wrong, or that contradict each other.
MetaspaceOptions read_metaspace(const JsonValue& node);

}  // namespace sapwood
