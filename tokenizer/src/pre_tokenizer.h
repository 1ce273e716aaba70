// Pre-tokenizers: each splits the pieces of a normalized Text into smaller ones, the words of the
// model, and may rewrite their characters.
#pragma once

#include <memory>
#include <vector>

#include "allowance.h"
#include "regex.h"
#include "text.h"

namespace sapwood {

struct Call;

// What becomes of the delimiter; "-" in "the-final--countdown" gives:
enum class SplitBehavior {
  removed,               // the | final | countdown
  isolated,              // the | - | final | - | - | countdown
  merged_with_previous,  // the- | final- | - | countdown
  merged_with_next,      // the | -final | - | -countdown
  contiguous,            // the | - | final | -- | countdown
};

// A piece between or of delimiters; together they cover what was searched.
struct Segment {
  Range range;
  bool is_match;
};

// The words of a text so far: ranges that are not empty, from left to right. The text is the
// normalized one until a pre-tokenizer rewrites it; then it is one of the call's own.
struct Words {
  const Text* text;
  std::vector<Range>& ranges;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // How many pre-tokenizers it is, with its parts.
  virtual std::size_t steps() const noexcept { return 1; }
  // Puts parts in the place of each word. Errors as Regex::find_all, and too_long where the words
  // grow by more than the call's Allowance has.
  virtual void apply(Words& words, Call& call) const = 0;
};

// A pre-tokenizer that splits words and leaves their characters as they are.
class SplittingPreTokenizer : public PreTokenizer {
 public:
  void apply(Words& words, Call& call) const final;
  // Appends the non-empty parts of `range`. `time`: what regular expressions may still take; errors
  // as Regex::find_all.
  virtual void split(const Text& text, Range range, SearchTime& time,
                     std::vector<Range>& out) const = 0;
};

// A pre-tokenizer that rewrites the characters of words. What it puts before a word has the span of
// the word's first character, and what it puts after a character has that character's.
class RewritingPreTokenizer : public PreTokenizer {
 public:
  void apply(Words& words, Call& call) const final;

 private:
  // Appends the characters that stand for `range`, which is not empty, to `result`, and the
  // non-empty ranges of `result` that are its words to `out`: at most 16 characters for each one. The
  // call's `words`, `parts` and `pieces` are in use. Errors as Regex::find_all.
  virtual void rewrite(const Text& text, Range range, Call& call, Text& result,
                       std::vector<Range>& out) const = 0;
  // For messages.
  virtual const char* name() const noexcept = 0;
};

class BertPreTokenizer final : public SplittingPreTokenizer {
 public:
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
};

// \w+|[^\w\s]+
class WhitespacePreTokenizer final : public SplittingPreTokenizer {
 public:
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
};

class WhitespaceSplitPreTokenizer final : public SplittingPreTokenizer {
 public:
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
};

class PunctuationPreTokenizer final : public SplittingPreTokenizer {
 public:
  explicit PunctuationPreTokenizer(SplitBehavior behavior) : behavior_(behavior) {}
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;

 private:
  SplitBehavior behavior_;
};

// At numbers: characters of the general category N.
class DigitsPreTokenizer final : public SplittingPreTokenizer {
 public:
  explicit DigitsPreTokenizer(SplitBehavior behavior) : behavior_(behavior) {}
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;

 private:
  SplitBehavior behavior_;
};

// At a character, which goes.
class DelimiterPreTokenizer final : public SplittingPreTokenizer {
 public:
  explicit DelimiterPreTokenizer(char32_t delimiter) : delimiter_(delimiter) {}
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;

 private:
  char32_t delimiter_;
};

// After every so many characters.
class FixedLengthPreTokenizer final : public SplittingPreTokenizer {
 public:
  explicit FixedLengthPreTokenizer(std::size_t length) : length_(length) {}
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;

 private:
  std::size_t length_;
};

class SplitPreTokenizer final : public SplittingPreTokenizer {
 public:
  SplitPreTokenizer(Pattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;

 private:
  Pattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

class PreTokenizerSequence final : public PreTokenizer {
 public:
  // Error malformed where there are more than kMaxSteps.
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> parts);
  void apply(Words& words, Call& call) const override;
  std::size_t steps() const noexcept override { return steps_; }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
  std::size_t steps_ = 1;
};

}  // namespace sapwood
