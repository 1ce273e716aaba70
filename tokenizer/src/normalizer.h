// Normalizers: each rewrites a Text and keeps its spans. What they add to it all together is
// bounded by the call's Allowance.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "regex.h"
#include "text.h"

namespace sapwood {

struct Call;

class Normalizer {
 public:
  virtual ~Normalizer() = default;

  // Error too_long where the text grows by more than the call's Allowance has; unsupported as
  // Regex::find_all.
  void apply(Text& text, Call& call) const;

  // How many normalizers it is, with its parts.
  virtual std::size_t steps() const noexcept { return 1; }

 private:
  virtual void rewrite(Text& text, Call& call) const = 0;
  // For messages.
  virtual const char* name() const noexcept = 0;
};

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const BertNormalizerOptions& options) : options_(options) {}
  const BertNormalizerOptions& options() const noexcept { return options_; }

 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer BertNormalizer"; }
  BertNormalizerOptions options_;
};

enum class NormalForm { nfc, nfd, nfkc, nfkd };

void to_normal_form(Text& text, NormalForm form, Call& call);

class UnicodeNormalizer final : public Normalizer {
 public:
  explicit UnicodeNormalizer(NormalForm form) : form_(form) {}
  NormalForm form() const noexcept { return form_; }

 private:
  void rewrite(Text& text, Call& call) const override { to_normal_form(text, form_, call); }
  const char* name() const noexcept override;
  NormalForm form_;
};

class LowercaseNormalizer final : public Normalizer {
 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer Lowercase"; }
};

// Removes combining marks; on its own, without decomposing first.
class StripAccentsNormalizer final : public Normalizer {
 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer StripAccents"; }
};

// SentencePiece's first cleaning of text: control characters go, and some others are spaces.
class NmtNormalizer final : public Normalizer {
 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer Nmt"; }
};

class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}

 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer Strip"; }
  bool left_, right_;
};

class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::string text);

 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer Prepend"; }
  Text prefix_;
};

class ReplaceNormalizer final : public Normalizer {
 public:
  ReplaceNormalizer(Pattern pattern, std::string content);

 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "the normalizer Replace"; }
  Pattern pattern_;
  Text content_;
};

class NormalizerSequence final : public Normalizer {
 public:
  // Error malformed where there are more than kMaxSteps.
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts);
  std::size_t steps() const noexcept override { return steps_; }

 private:
  void rewrite(Text& text, Call& call) const override;
  const char* name() const noexcept override { return "a sequence of normalizers"; }

  std::vector<std::unique_ptr<Normalizer>> parts_;
  std::size_t steps_ = 1;
};

}  // namespace sapwood
