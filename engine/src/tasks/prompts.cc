#include "tasks/prompts.h"

#include "base/quote.h"

namespace sapwood::tasks {
namespace {

const SentenceConfig& sentence_of(const Model& model) {
  static const SentenceConfig kNone;
  const auto& sentence = model.config().sentence;
  return sentence ? *sentence : kNone;
}

std::string named(const SentenceConfig& sentence, const std::string& name) {
  const auto it = sentence.prompts.find(name);
  return it == sentence.prompts.end() ? "" : it->second;
}

}  // namespace

std::string find_prompt(const Model& model, const std::optional<std::string>& prompt,
                        const std::optional<std::string>& name) {
  const SentenceConfig& sentence = sentence_of(model);
  if (prompt && name) {
    throw Error(ErrorCode::invalid_argument,
                "both a prompt and the name of one are given: give one of them");
  }
  if (prompt) return *prompt;
  if (!name) {
    if (sentence.default_prompt_name.empty()) return "";
    return named(sentence, sentence.default_prompt_name);
  }
  if (sentence.prompts.contains(*name)) return named(sentence, *name);
  std::string names;
  for (const auto& [known, text] : sentence.prompts) {
    if (names.size() < kShownCharacters) names += (names.empty() ? "" : ", ") + quote(known);
  }
  throw Error(ErrorCode::invalid_argument,
              "prompt name: the model has no prompt " + quote(*name) +
                  (names.empty() ? "; it has none at all" : "; it has " + names));
}

std::string query_prompt(const Model& model) { return named(sentence_of(model), "query"); }
std::string document_prompt(const Model& model) { return named(sentence_of(model), "document"); }

int unpooled_tokens(const Model& model, const std::string& prompt, const EncodeOptions& options) {
  if (prompt.empty() || sentence_of(model).include_prompt) return 0;
  EncodeScratch scratch;
  const Encoding alone = encode(model, prompt, options, scratch)[0];
  const bool special_end = alone.special_tokens_mask.back() != 0;
  return static_cast<int>(alone.size()) - (special_end ? 1 : 0);
}

std::vector<Encoding> encode_behind(const Model& model, const std::string& prompt,
                                    const TextInput& input, const EncodeOptions& options,
                                    EncodeScratch& scratch) {
  if (prompt.empty()) return encode(model, input, options, scratch);
  std::string text;
  text.reserve(prompt.size() + input.text.size());
  text.append(prompt).append(input.text);
  return encode(model, TextInput{text, input.pair}, options, scratch);
}

}  // namespace sapwood::tasks
