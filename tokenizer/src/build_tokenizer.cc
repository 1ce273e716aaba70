// Assembles a tokenizer from its document and vocabulary.
#include <algorithm>

#include "added_token_list.h"
#include "base/error_place.h"
#include "components.h"
#include "config_keys.h"
#include "impl.h"

namespace sapwood {
namespace {

std::optional<int32_t> find_id(const Tokenizer::Impl& impl, const std::string& token) {
  if (const AddedToken* added = impl.added.find(token)) return added->id;
  const int32_t id = impl.model->vocabulary().find(token);
  return id < 0 ? std::nullopt : std::optional<int32_t>(id);
}

// The token that the configuration names, else what the template said, else the usual names.
void assign_role(const Tokenizer::Impl& impl, std::optional<int32_t>& slot,
                 const std::optional<std::string>& stated,
                 std::initializer_list<const char*> usual) {
  if (stated) {
    if (const auto id = find_id(impl, *stated)) slot = id;
  }
  for (const char* name : usual) {
    if (!slot) slot = find_id(impl, name);
  }
}

void assign_roles(Tokenizer::Impl& impl, const TokenizerConfig& config) {
  SpecialIds& special = impl.special;
  assign_role(impl, special.cls, config.cls, {"[CLS]", "<cls>", "<s>"});
  assign_role(impl, special.sep, config.sep, {"[SEP]", "<sep>", "</s>"});
  assign_role(impl, special.mask, config.mask, {"[MASK]", "<mask>"});
  assign_role(impl, special.pad, config.pad, {"[PAD]", "<pad>"});
  special.unk = impl.model->unk_id();
  // Models that have a token for every byte name none; transformers has one all the same.
  if (!special.unk) assign_role(impl, special.unk, config.unk, {});
}

const char* word(bool value) { return value ? "true" : "false"; }

// BERT's normalizer with what the tokenizer's class makes of the configuration. `text` is emptied where it changes
// nothing.
std::unique_ptr<Normalizer> bert_normalizer(const JsonValue& node, std::optional<BertText>& text,
                                            Notices& notices) {
  BertNormalizerOptions options = bert_options(node);
  const BertNormalizerOptions stated = options;
  options.lowercase = text->lowercase;
  options.strip_accents = text->strip_accents.value_or(text->lowercase);
  options.handle_chinese_chars = text->chinese_chars;
  std::string what;
  const auto tell = [&](const char* name, bool in_json, bool wanted) {
    if (in_json == wanted) return;
    what += (what.empty() ? "" : ", ") + std::string(name) + " " + word(wanted) + " instead of " +
            word(in_json);
  };
  tell("do_lower_case", stated.lowercase, options.lowercase);
  tell("strip_accents", stated.strip_accents, options.strip_accents);
  tell("tokenize_chinese_chars", stated.handle_chinese_chars, options.handle_chinese_chars);
  if (what.empty()) {
    text.reset();
  } else {
    notices.add(node.path() +
                " does not have what the tokenizer's configuration, or its class where that is "
                "silent, asks for: " +
                what + "; the configuration counts, as in transformers");
  }
  return std::make_unique<BertNormalizer>(options);
}

// A decoder that is not known stands in the way of those alone who need it.
Decoder make_decoder_or_refusal(const JsonValue& node) {
  try {
    return make_decoder(node);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    return [error](std::span<const std::string>) -> std::string { throw error; };
  }
}

std::vector<AddedToken> collect_added(const JsonValue& root, const Vocabulary& tokens,
                                      TokenizerConfig& config) {
  AddedTokenList list(tokens);
  if (root.has("added_tokens")) list.read(root.at("added_tokens"), config.notices);
  list.add(config.tokens, config.notices);
  return list.take();
}

void make_normalizer(const JsonValue& root, TokenizerConfig& config, Tokenizer::Impl& impl) {
  if (!root.has("normalizer")) return config.bert_text.reset();
  const JsonValue node = root.at("normalizer");
  if (config.bert_text && node.string("type", "") == "BertNormalizer") {
    impl.normalizer = bert_normalizer(node, config.bert_text, config.notices);
  } else {
    config.bert_text.reset();
    impl.normalizer = make_normalizer(node);
  }
}

void make_components(const JsonValue& root, TokenizerConfig& config, Tokenizer::Impl& impl) {
  make_normalizer(root, config, impl);
  if (root.has("pre_tokenizer")) {
    impl.pre_tokenizer = make_pre_tokenizer(root.at("pre_tokenizer"));
  }
  const Vocabulary& tokens = impl.model->vocabulary();
  std::vector<AddedToken> added = collect_added(root, tokens, config);
  impl.vocab_size = tokens.size();
  for (const AddedToken& token : added) {
    impl.vocab_size = std::max(impl.vocab_size, token.id + 1);
  }
  if (root.has("post_processor")) {
    impl.post = make_post_processor(root.at("post_processor"), tokens, added, impl.special);
  }
  if (!config.token_types.value_or(true)) impl.post.drop_types();
  impl.added = AddedTokens(std::move(added), impl.normalizer.get());
  if (config.split_special_tokens) impl.added.split_special_tokens();
  if (root.has("decoder")) impl.decoder = make_decoder_or_refusal(root.at("decoder"));
  if (root.has("truncation")) impl.truncation = make_truncation(root.at("truncation"));
  if (root.has("padding")) impl.padding = make_padding(root.at("padding"));
  // An added token that is looked for in normalized text needs the normalizer, and all of its text.
  impl.shortcut = impl.model->shortcut(impl.normalizer.get(), impl.pre_tokenizer.get());
  if (impl.shortcut && impl.added.any_normalized() &&
      (!impl.shortcut->keeps_text() || impl.added.any_normalized_over_spaces())) {
    impl.shortcut.reset();
  }
}

// The lengths and the side that texts are cut to and at.
void settle_truncation(const TokenizerConfig& config, Tokenizer::Impl& impl) {
  impl.model_max_length = config.model_max_length;
  impl.max_length = config.model_max_length;
  if (!impl.truncation) {
    impl.truncation_side = config.truncation_side.value_or(Direction::right);
    return;
  }
  if (!config.settles_length) impl.max_length = impl.truncation->max_length;
  impl.truncation_side = config.truncation_side.value_or(impl.truncation->direction);
}

std::shared_ptr<Tokenizer::Impl> build(TokenizerDocument& document, TokenizerConfig config) {
  const JsonValue root = document.json.root();
  if (root.has("version") && root.string("version") != "1.0") {
    root.at("version").fail("expected \"1.0\", found " + root.at("version").to_json(),
                            ErrorCode::unsupported);
  }
  const JsonValue model = root.at("model");
  auto impl = std::make_shared<Tokenizer::Impl>();
  impl->model = make_subword_model(document);
  impl->model_type = subword_model_type(document);
  if (model.has("sapwood")) config.read_kept(model.at("sapwood"));
  make_components(root, config, *impl);

  if (!config.pad && impl->padding) config.pad = impl->padding->pad_token;
  assign_roles(*impl, config);
  if (impl->model->unk_id()) config.unk.reset();  // the model says it
  settle_truncation(config, *impl);
  config.settles_length &= impl->truncation.has_value();  // else there is nothing to settle
  impl->clean_up_tokenization_spaces = config.clean_up_tokenization_spaces.value_or(false);
  impl->open_document = open_document(document.json, *impl->model, config.kept());
  impl->notices = std::move(config.notices);
  impl->notices.add(document.json.doubled_key_notices());
  tell_unknown_json_keys(root, impl->notices);
  return impl;
}

}  // namespace

std::shared_ptr<Tokenizer::Impl> build_tokenizer(TokenizerDocument document,
                                                 TokenizerConfig config) {
  // What the parts find wrong, they find without knowing the file.
  return placing(document.json.where(), [&] { return build(document, std::move(config)); });
}

}  // namespace sapwood
