// Pre-tokenizers: each splits ranges of a normalized Text into smaller ones, the words of the
// model.
#pragma once

#include <memory>
#include <vector>

#include "allowance.h"
#include "regex.h"
#include "text.h"

namespace sapwood {

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

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // How many pre-tokenizers it is, with its parts.
  virtual std::size_t steps() const noexcept { return 1; }
  // Appends the non-empty parts of `range`. `time`: what regular expressions may still take; errors
  // as Regex::find_all.
  virtual void split(const Text& text, Range range, SearchTime& time,
                     std::vector<Range>& out) const = 0;
};

class BertPreTokenizer final : public PreTokenizer {
 public:
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
};

// \w+|[^\w\s]+
class WhitespacePreTokenizer final : public PreTokenizer {
 public:
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
};

class WhitespaceSplitPreTokenizer final : public PreTokenizer {
 public:
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
};

class PunctuationPreTokenizer final : public PreTokenizer {
 public:
  explicit PunctuationPreTokenizer(SplitBehavior behavior) : behavior_(behavior) {}
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;

 private:
  SplitBehavior behavior_;
};

class SplitPreTokenizer final : public PreTokenizer {
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
  void split(const Text& text, Range range, SearchTime& time,
             std::vector<Range>& out) const override;
  std::size_t steps() const noexcept override { return steps_; }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> parts_;
  std::size_t steps_ = 1;
};

}  // namespace sapwood
