#include "weights/prefix.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

// The attributes that wrappers keep a model in; a prefix is any of them one after the other.
constexpr std::string_view kWrappers[] = {
    "module.",     // torch.nn.DataParallel and DistributedDataParallel
    "_orig_mod.",  // torch.compile
    "model.",      // Lightning and many trainers
    "0.",
    "auto_model.",  // sentence-transformers
    "question_encoder.",
    "ctx_encoder.",  // DPR
    "bert_model.",
    "base_model.",
    "lm."};  // the same, and others

// Whether the text is made of wrappers' names alone.
bool is_wrapper(std::string_view text) {
  while (!text.empty()) {
    const auto* const it =
        std::find_if(std::begin(kWrappers), std::end(kWrappers),
                     [&](std::string_view wrapper) { return text.starts_with(wrapper); });
    if (it == std::end(kWrappers)) return false;
    text.remove_prefix(it->size());
  }
  return true;
}

// What stands before the encoder's own names in each place that has a word embedding.
std::set<std::string> prefixes(const TensorSource& source, const Family& family) {
  const std::string word = std::string(family.word_embedding);
  std::set<std::string> found;
  for (const TensorView& tensor : source.tensors()) {
    const std::string_view name = tensor.name;
    if (!name.ends_with(word)) continue;
    std::string_view before = name.substr(0, name.size() - word.size());
    if (before.ends_with(family.encoder_prefix)) before.remove_suffix(family.encoder_prefix.size());
    found.emplace(before);
  }
  return found;
}

}  // namespace

std::string encoder_prefix(const TensorSource& source, const ModelConfig& config) {
  const Family& family = family_of(config);
  const std::string prefix(family.encoder_prefix), word(family.word_embedding);
  if (source.find(prefix + word) != nullptr) return prefix;
  if (source.find(word) != nullptr) return "";
  std::string message = "expected a tensor '" + prefix + word + "' or '" + word +
                        "', found neither: are these the weights of a " + config.architecture +
                        " model?";
  const std::set<std::string> found = prefixes(source, family);
  if (!found.empty()) {
    message += " Its names begin with " + quote(*found.begin()) +
               ", which is no prefix that is known: save the model's own state_dict()";
  }
  throw Error(ErrorCode::mismatch, message);
}

void strip_wrapper(TensorSource& source, const Family& family, Notices& notices) {
  std::set<std::string> found = prefixes(source, family);
  if (found.contains("")) return;
  std::erase_if(found, [](const std::string& prefix) { return !is_wrapper(prefix); });
  if (found.empty()) return;
  if (found.size() > 1) {
    throw Error(ErrorCode::mismatch,
                source.path().string() + ": expected one model, found one under " +
                    quote(*found.begin()) + " and one under " + quote(*std::next(found.begin())) +
                    ": save the state_dict() of the one that is wanted");
  }
  source.strip_prefix(*found.begin());
  notices.add(source.path().string() + ": the names of its tensors begin with " +
              quote(*found.begin()) + ", as a wrapper of the model leaves it; it is passed over");
}

}  // namespace sapwood
