// Normalisers: each rewrites a Text and keeps its spans.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "regex.h"
#include "text.h"

namespace sapwood {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(Text& text) const = 0;
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
  void apply(Text& text) const override;
  const BertNormalizerOptions& options() const noexcept { return options_; }

 private:
  BertNormalizerOptions options_;
};

enum class NormalForm { nfc, nfd, nfkc, nfkd };

class UnicodeNormalizer final : public Normalizer {
 public:
  explicit UnicodeNormalizer(NormalForm form) : form_(form) {}
  void apply(Text& text) const override;

 private:
  NormalForm form_;
};

class LowercaseNormalizer final : public Normalizer {
 public:
  void apply(Text& text) const override;
};

// Removes combining marks; on its own, without decomposing first.
class StripAccentsNormalizer final : public Normalizer {
 public:
  void apply(Text& text) const override;
};

class StripNormalizer final : public Normalizer {
 public:
  StripNormalizer(bool left, bool right) : left_(left), right_(right) {}
  void apply(Text& text) const override;

 private:
  bool left_, right_;
};

class PrependNormalizer final : public Normalizer {
 public:
  explicit PrependNormalizer(std::string text);
  void apply(Text& text) const override;

 private:
  Text prefix_;
};

class ReplaceNormalizer final : public Normalizer {
 public:
  ReplaceNormalizer(Pattern pattern, std::string content);
  void apply(Text& text) const override;

 private:
  Pattern pattern_;
  Text content_;
};

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> parts)
      : parts_(std::move(parts)) {}
  void apply(Text& text) const override {
    for (const auto& part : parts_) part->apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> parts_;
};

}  // namespace sapwood
