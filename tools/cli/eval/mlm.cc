#include <cmath>

#include "base/quote.h"
#include "eval/chunks.h"
#include "eval/datasets.h"

namespace sapwood::cli {
namespace {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every platform, which std::
// distributions do not promise.
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

struct MaskedText {
  Encoding encoding;
  std::vector<std::int32_t> selected;  // masked positions
  std::vector<std::int32_t> gold;      // what stood there
};

// -log softmax(row)[id], in double.
double cross_entropy(std::span<const float> row, std::int32_t id) {
  const double top = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float logit : row) sum += std::exp(logit - top);
  return std::log(sum) + top - row[static_cast<std::size_t>(id)];
}

}  // namespace

std::vector<std::int32_t> choose_masks(std::span<const std::int32_t> maskable, std::uint64_t seed,
                                       std::uint64_t text) {
  std::vector<std::int32_t> chosen;
  if (maskable.empty()) return chosen;
  SplitMix64 random(SplitMix64(seed).next() ^ SplitMix64(~text).next());
  for (const std::int32_t position : maskable) {
    if (random.uniform() < 0.15) chosen.push_back(position);
  }
  if (chosen.empty()) chosen.push_back(maskable[random.next() % maskable.size()]);
  return chosen;
}

Evaluation evaluate_mlm(const Model& model, const EvalOptions& options) {
  std::vector<std::string> lines = read_lines(options.file);
  keep_first(lines, options.limit);
  const std::optional<std::int32_t> mask = model.tokenizer().mask_id();
  if (!mask) {
    throw Error(ErrorCode::unsupported,
                printable(model.path().string()) +
                    ": the model's tokenizer has no mask token; give a model with "
                    "a masked language model head");
  }
  Evaluation evaluation;
  double loss = 0;
  std::size_t correct = 0, masked = 0;
  EncodeScratch scratch;
  in_chunks(lines.size(), options, [&](std::size_t begin, std::size_t end) {
    std::vector<MaskedText> texts;
    for (std::size_t i = begin; i < end; ++i) {
      MaskedText text;
      model.encode_into(text.encoding, scratch, lines[i], options.length);
      evaluation.truncated += text.encoding.truncated;
      std::vector<std::int32_t> maskable;
      for (std::size_t k = 0; k < text.encoding.size(); ++k) {
        if (text.encoding.special_tokens_mask[k] == 0) {
          maskable.push_back(static_cast<std::int32_t>(k));
        }
      }
      text.selected = choose_masks(maskable, options.seed, i);
      for (const std::int32_t position : text.selected) {
        std::int32_t& id = text.encoding.ids[static_cast<std::size_t>(position)];
        text.gold.push_back(id);
        id = *mask;
      }
      if (!text.selected.empty()) texts.push_back(std::move(text));
    }
    std::vector<Sequence> sequences;
    for (const MaskedText& text : texts) {
      sequences.push_back({text.encoding.ids, text.encoding.type_ids, text.selected});
    }
    model.run(sequences, Output::head, [&](std::size_t i, const MatrixView& rows) {
      for (int k = 0; k < rows.rows; ++k) {
        const std::span<const float> row = rows.row(k);
        const std::int32_t gold = texts[i].gold[static_cast<std::size_t>(k)];
        loss += cross_entropy(row, gold);
        correct += std::max_element(row.begin(), row.end()) - row.begin() == gold;
        ++masked;
      }
    });
    evaluation.n += texts.size();
  });
  const auto n = static_cast<double>(masked);
  evaluation.metrics = {{"accuracy", static_cast<double>(correct) / n},
                        {"loss", loss / n},
                        {"pseudo_perplexity", std::exp(loss / n)},
                        {"masked_tokens", n}};
  return evaluation;
}

}  // namespace sapwood::cli
