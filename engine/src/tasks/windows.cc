#include "tasks/windows.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "encode_options.h"

namespace sapwood::tasks {
namespace {

// Where ids come from, for who reads the error.
struct Origin {
  ErrorCode wrong_id;
  const char* gave;    // "the tokenizer gave"
  const char* advice;  // what a wrong id means
};

constexpr Origin kTokenizer{ErrorCode::mismatch, "the tokenizer gave",
                            "the weights have no row for it"};
constexpr Origin kCaller{ErrorCode::invalid_argument, "the input has",
                         "give ids of the model's own tokenizer"};

// Model::run refuses a whole call for one bad sequence; these checks keep the others alive.
void check_fits(const Model& model, const Encoding& encoding, const Origin& origin) {
  const ModelConfig& config = model.config();
  const auto tokens = encoding.size();
  if (tokens == 0) {
    throw Error(ErrorCode::unsupported,
                "the text has no tokens and the tokenizer adds none (no [CLS], [SEP]): there is "
                "nothing to compute");
  }
  if (config.max_positions > 0 && tokens > static_cast<std::size_t>(config.max_positions)) {
    throw Error(ErrorCode::too_long, "the text has " + std::to_string(tokens) +
                                         " tokens, but the model has " +
                                         std::to_string(config.max_positions) +
                                         " positions: lower max_length or allow truncation");
  }
  for (const std::int32_t id : encoding.ids) {
    if (id >= 0 && id < config.vocab_size) continue;
    throw Error(origin.wrong_id, std::string(origin.gave) + " token id " + std::to_string(id) +
                                     ", but the model embeds " + std::to_string(config.vocab_size) +
                                     " tokens: " + origin.advice);
  }
  if (config.type_vocab == 0) return;
  for (const std::int32_t type : encoding.type_ids) {
    if (type >= 0 && type < config.type_vocab) continue;
    throw Error(origin.wrong_id, std::string(origin.gave) + " token type " + std::to_string(type) +
                                     ", but the model has " + std::to_string(config.type_vocab) +
                                     " token types: it does not read such pairs");
  }
}

std::vector<Encoding> fitting(const Model& model, Encoding first, const Origin& origin) {
  std::vector<Encoding> windows;
  windows.reserve(1 + first.overflowing.size());
  std::vector<Encoding> others = std::move(first.overflowing);
  first.overflowing.clear();
  windows.push_back(std::move(first));
  std::move(others.begin(), others.end(), std::back_inserter(windows));
  for (const Encoding& window : windows) check_fits(model, window, origin);
  return windows;
}

// A vector of an encoding has one element a token, or none where it may be missing.
enum class Missing { refused, allowed };
void check_size(const char* name, std::size_t size, std::size_t tokens, Missing missing) {
  if (size == tokens || (missing == Missing::allowed && size == 0)) return;
  throw Error(ErrorCode::invalid_argument, "the input has " + std::to_string(tokens) +
                                               " token ids, but " + std::to_string(size) + " " +
                                               name + ": give one a token");
}

void check_vectors(const Encoding& window, Reads reads) {
  const std::size_t tokens = window.size();
  // Who reads the ids alone needs none of the others.
  const Missing rest = reads == Reads::ids ? Missing::allowed : Missing::refused;
  check_size("type ids", window.type_ids.size(), tokens, Missing::allowed);
  check_size("offsets", window.offsets.size(), tokens, rest);
  check_size("flags of special tokens", window.special_tokens_mask.size(), tokens, rest);
  check_size("word ids", window.word_ids.size(), tokens, rest);
  check_size("sequence ids", window.sequence_ids.size(), tokens, rest);
}

}  // namespace

EncodeOptions without_offsets(const Model& model, const LengthOptions& length) {
  EncodeOptions options = encode_options(model, length);
  options.offsets = false;
  return options;
}

std::vector<Encoding> encode(const Model& model, std::string_view text,
                             const EncodeOptions& options, EncodeScratch& scratch) {
  Encoding first;
  encode_text(model, first, scratch, text, nullptr, options);
  return fitting(model, std::move(first), kTokenizer);
}

std::vector<Encoding> encode(const Model& model, std::string_view text, std::string_view pair,
                             const EncodeOptions& options, EncodeScratch& scratch) {
  Encoding first;
  encode_text(model, first, scratch, text, &pair, options);
  return fitting(model, std::move(first), kTokenizer);
}

std::vector<Encoding> encode(const Model& model, const TextInput& input,
                             const EncodeOptions& options, EncodeScratch& scratch) {
  return input.pair ? encode(model, input.text, *input.pair, options, scratch)
                    : encode(model, input.text, options, scratch);
}

std::vector<Encoding> given_windows(const Model& model, std::vector<Encoding> windows, Reads reads,
                                    std::size_t most) {
  std::vector<Encoding> all;
  for (Encoding& window : windows) {
    for (Encoding& each : fitting(model, std::move(window), kCaller))
      all.push_back(std::move(each));
  }
  if (all.empty() || all.size() > most) {
    throw Error(ErrorCode::invalid_argument,
                "the input needs " +
                    (most == 1 ? std::string("one window") : "at least one window") + ", found " +
                    std::to_string(all.size()));
  }
  for (const Encoding& window : all) check_vectors(window, reads);
  return all;
}

}  // namespace sapwood::tasks
