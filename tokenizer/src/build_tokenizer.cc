// Assembles a tokenizer from its document and vocabulary.
#include <algorithm>

#include "base/error_place.h"
#include "components.h"
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

// What the configuration added, kept in the document under the model, where other readers of the
// format pass over members they do not know. Empty where it added nothing.
std::string kept_config(const TokenizerConfig& config) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  const auto keep = [&](const char* key, const std::optional<std::string>& value) {
    if (value) writer.member(key, *value);
  };
  keep("cls_token", config.cls);
  keep("sep_token", config.sep);
  keep("mask_token", config.mask);
  keep("pad_token", config.pad);
  keep("unk_token", config.unk);
  if (config.model_max_length) writer.member("model_max_length", *config.model_max_length);
  if (config.clean_up_tokenization_spaces.value_or(false)) {
    writer.member("clean_up_tokenization_spaces", true);
  }
  writer.end();
  return out == "{}" ? "" : out;
}

void make_components(const JsonValue& root, Tokenizer::Impl& impl) {
  if (root.has("normalizer")) impl.normalizer = make_normalizer(root.at("normalizer"));
  if (root.has("pre_tokenizer")) {
    impl.pre_tokenizer = make_pre_tokenizer(root.at("pre_tokenizer"));
  }
  const Vocabulary& tokens = impl.model->vocabulary();
  std::vector<AddedToken> added;
  if (root.has("added_tokens")) added = make_added_tokens(root.at("added_tokens"), tokens);
  impl.vocab_size = tokens.size();
  for (const AddedToken& token : added) {
    impl.vocab_size = std::max(impl.vocab_size, token.id + 1);
  }
  if (root.has("post_processor")) {
    impl.post = make_post_processor(root.at("post_processor"), tokens, added, impl.special);
  }
  impl.added = AddedTokens(std::move(added), impl.normalizer.get());
  if (root.has("decoder")) impl.decoder = make_decoder(root.at("decoder"));
  if (root.has("truncation")) impl.truncation = make_truncation(root.at("truncation"));
  if (root.has("padding")) impl.padding = make_padding(root.at("padding"));
  // An added token that is looked for in normalized text needs the normalizer, and all of its text.
  impl.shortcut = impl.model->shortcut(impl.normalizer.get(), impl.pre_tokenizer.get());
  if (impl.shortcut && impl.added.any_normalized() &&
      (!impl.shortcut->keeps_text() || impl.added.any_normalized_over_spaces())) {
    impl.shortcut.reset();
  }
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
  if (model.has("sapwood")) config.read(model.at("sapwood"));
  make_components(root, *impl);

  if (!config.pad && impl->padding) config.pad = impl->padding->pad_token;
  assign_roles(*impl, config);
  if (impl->model->unk_id()) config.unk.reset();  // the model says it
  impl->model_max_length = config.model_max_length;
  impl->clean_up_tokenization_spaces = config.clean_up_tokenization_spaces.value_or(false);
  impl->open_document = open_document(document.json, *impl->model, kept_config(config));
  impl->notices = std::move(config.notices);
  impl->notices.add(document.json.doubled_key_notices());
  return impl;
}

}  // namespace

std::shared_ptr<Tokenizer::Impl> build_tokenizer(TokenizerDocument document,
                                                 TokenizerConfig config) {
  // What the parts find wrong, they find without knowing the file.
  return placing(document.json.where(), [&] { return build(document, std::move(config)); });
}

}  // namespace sapwood
