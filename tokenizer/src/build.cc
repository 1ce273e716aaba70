// Assembles a tokenizer from its document and vocabulary.
#include <algorithm>
#include <cmath>

#include "components.h"
#include "impl.h"
#include "sapwood/tokenizer/utf8.h"

namespace sapwood {
namespace {

// A role's token in tokenizer_config.json: a string, or an object with "content".
std::optional<std::string> role(const Json& config, const char* key) {
  const auto it = config.find(key);
  if (it == config.end()) return std::nullopt;
  if (it->is_string()) return it->get<std::string>();
  if (it->is_object() && it->contains("content") && (*it)["content"].is_string()) {
    return (*it)["content"].get<std::string>();
  }
  return std::nullopt;
}

void read_bool(const Json& config, const char* key, std::string_view where,
               std::optional<bool>& out) {
  const auto it = config.find(key);
  if (out || it == config.end() || it->is_null()) return;
  if (!it->is_boolean()) {
    throw Error(ErrorCode::malformed, std::string(where) + ": " + key +
                                          ": expected true, false or null, found " + it->dump());
  }
  out = it->get<bool>();
}

void fill(std::optional<std::string>& slot, std::optional<std::string> value) {
  if (!slot) slot = std::move(value);
}

}  // namespace

void TokenizerConfig::read(std::string_view json, std::string_view where) {
  const Json config = parse_json(json, where);
  if (!config.is_object()) {
    throw Error(ErrorCode::malformed, std::string(where) + ": expected a JSON object");
  }
  present = true;
  fill(cls, role(config, "cls_token"));
  fill(sep, role(config, "sep_token"));
  fill(mask, role(config, "mask_token"));
  fill(pad, role(config, "pad_token"));
  fill(unk, role(config, "unk_token"));
  read_bool(config, "do_lower_case", where, lowercase);
  read_bool(config, "strip_accents", where, strip_accents);
  read_bool(config, "tokenize_chinese_chars", where, tokenize_chinese_chars);
  read_bool(config, "clean_up_tokenization_spaces", where, clean_up_tokenization_spaces);
  // Transformers writes int(1e30) for "no limit": not a limit, whichever way JSON spells it.
  const auto it = config.find("model_max_length");
  if (!model_max_length && it != config.end() && it->is_number()) {
    const double value = it->get<double>();
    if (value >= 1 && value <= 1e9 && std::floor(value) == value) {
      model_max_length = static_cast<int>(value);
    }
  }
}

TokenizerFile read_tokenizer_json(std::string_view tokenizer_json) {
  const std::size_t invalid = utf8::find_invalid(tokenizer_json);
  if (invalid != utf8::kValid) {
    throw Error(ErrorCode::malformed,
                "tokenizer.json is not UTF-8 at byte " + std::to_string(invalid));
  }
  return split_tokenizer_json(tokenizer_json);
}

std::shared_ptr<const Tokenizer::Impl> build_tokenizer(
    std::string document, const std::vector<VocabularyEntry>& vocabulary, TokenizerConfig config) {
  const Json root_value = parse_json(document, "tokenizer.json");
  const JsonNode root(root_value, "");
  if (root.has("version") && root.at("version").string() != "1.0") {
    throw Error(ErrorCode::unsupported, root.at("version").name() + ": expected \"1.0\", found \"" +
                                            root.at("version").string() + "\"");
  }
  const JsonNode model = root.at("model");
  auto impl = std::make_shared<Tokenizer::Impl>(make_model(model, vocabulary));
  if (model.has("sapwood")) config.read(model.at("sapwood").value().dump(), "model.sapwood");

  if (root.has("normalizer")) {
    const JsonNode node = root.at("normalizer");
    impl->normalizer = make_normalizer(node);
  }
  if (root.has("pre_tokenizer")) {
    impl->pre_tokenizer = make_pre_tokenizer(root.at("pre_tokenizer"));
  }
  const Vocabulary& tokens = impl->model.vocabulary();
  std::vector<AddedToken> added;
  if (root.has("added_tokens")) added = make_added_tokens(root.at("added_tokens"), tokens);
  impl->vocab_size = tokens.size();
  for (const AddedToken& token : added) {
    impl->vocab_size = std::max(impl->vocab_size, token.id + 1);
  }
  if (root.has("post_processor")) {
    impl->post = make_post_processor(root.at("post_processor"), tokens, added, impl->special);
  }
  impl->added = AddedTokens(std::move(added), impl->normalizer.get());
  if (root.has("decoder")) impl->decoder = make_decoder(root.at("decoder"));
  if (root.has("truncation")) impl->truncation = make_truncation(root.at("truncation"));
  if (root.has("padding")) impl->padding = make_padding(root.at("padding"));

  const auto* bert = dynamic_cast<const BertNormalizer*>(impl->normalizer.get());
  if (bert && dynamic_cast<const BertPreTokenizer*>(impl->pre_tokenizer.get()) &&
      !impl->added.any_normalized()) {
    impl->ascii_bert.emplace(bert->options());
  }

  auto find = [&](const std::string& token) -> std::optional<int32_t> {
    if (const AddedToken* added_token = impl->added.find(token)) return added_token->id;
    const int32_t id = tokens.find(token);
    return id < 0 ? std::nullopt : std::optional<int32_t>(id);
  };
  auto assign = [&](std::optional<int32_t>& slot, const std::optional<std::string>& stated,
                    std::initializer_list<const char*> usual) {
    if (stated) {
      const auto id = find(*stated);
      if (id) slot = id;
    }
    for (const char* name : usual) {
      if (!slot) slot = find(name);
    }
  };
  assign(impl->special.cls, config.cls, {"[CLS]", "<cls>"});
  assign(impl->special.sep, config.sep, {"[SEP]", "<sep>"});
  assign(impl->special.mask, config.mask, {"[MASK]", "<mask>"});
  if (!config.pad && impl->padding) config.pad = impl->padding->pad_token;
  assign(impl->special.pad, config.pad, {"[PAD]", "<pad>"});
  impl->special.unk = impl->model.unk_id();
  impl->model_max_length = config.model_max_length;
  impl->clean_up_tokenization_spaces = config.clean_up_tokenization_spaces.value_or(false);

  // What the configuration added is kept in the document, under the model, where other readers of
  // the format pass over members they do not know.
  Json kept = root_value;
  Json& extra = kept["model"]["sapwood"];
  extra = Json::object();
  auto keep = [&](const char* key, const std::optional<std::string>& value) {
    if (value) extra[key] = *value;
  };
  keep("cls_token", config.cls);
  keep("sep_token", config.sep);
  keep("mask_token", config.mask);
  keep("pad_token", config.pad);
  if (config.model_max_length) extra["model_max_length"] = *config.model_max_length;
  if (impl->clean_up_tokenization_spaces) extra["clean_up_tokenization_spaces"] = true;
  if (extra.empty()) kept["model"].erase("sapwood");
  kept["model"].erase("vocab");
  impl->document = kept.dump();
  return impl;
}

}  // namespace sapwood
