#include "tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

#include "base/quote.h"
#include "config_keys.h"
#include "tokenizer_class.h"

namespace sapwood {
namespace {

constexpr std::int64_t kMostId = std::numeric_limits<std::int32_t>::max() - 1;

// A token as transformers writes it: a string, or an object with "content" and flags. A string is a special token that
// is looked for as it stands.
AddedToken read_token(const JsonValue& value) {
  AddedToken token;
  token.id = -1;
  token.special = true;
  token.normalized = false;
  if (value.is_string()) {
    token.content = value.string();
    return token;
  }
  if (!value.is_object()) value.expected("a string, or an object with content");
  token.content = value.string("content");
  token.single_word = value.boolean("single_word", false);
  token.lstrip = value.boolean("lstrip", false);
  token.rstrip = value.boolean("rstrip", false);
  token.special = value.boolean("special", true);
  token.normalized = value.boolean("normalized", !token.special);
  return token;
}

// A token that is special because of where it stands.
AddedToken read_special(const JsonValue& value) {
  AddedToken token = read_token(value);
  token.special = true;
  if (!value.has("normalized")) token.normalized = false;
  if (token.content.empty()) value.expected("a token of at least one character");
  return token;
}

void write_token(JsonWriter& writer, const NamedToken& named) {
  const AddedToken& token = named.token;
  writer.begin_object().member("id", token.id).member("content", token.content);
  writer.member("single_word", token.single_word).member("lstrip", token.lstrip);
  writer.member("rstrip", token.rstrip).member("normalized", token.normalized);
  writer.member("special", token.special).member("flags_count", named.flags_count).end();
}

void fill(std::optional<bool>& slot, const JsonValue& config, const char* key) {
  if (slot || !config.has(key)) return;
  const JsonValue value = config.at(key);
  if (!value.is_boolean()) value.expected("true, false or null");
  slot = value.boolean();
}

std::optional<Direction> read_side(const JsonValue& config, const char* key) {
  if (!config.has(key)) return std::nullopt;
  const std::string_view side = config.string(key);
  if (side == "left") return Direction::left;
  if (side != "right") config.at(key).expected("\"left\" or \"right\"");
  return Direction::right;
}

// {"30522": {"content": "<e1>", ...}}, in the order of the ids.
std::vector<NamedToken> read_decoder(const JsonValue& decoder) {
  if (!decoder.is_object()) decoder.expected("an object");
  std::vector<NamedToken> tokens;
  for (const JsonValue member : decoder.members()) {
    AddedToken token = read_token(member);
    if (!member.is_object()) member.expected("an object with content");
    // As AddedToken's own defaults have it, which differ from those of a role.
    token.special = member.boolean("special", false);
    token.normalized = member.boolean("normalized", !token.special);
    const std::string_view key = member.key();
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token.id);
    if (error != std::errc{} || end != key.data() + key.size() || token.id < 0 ||
        token.id > kMostId || token.content.empty()) {
      member.fail("expected a token under its id, found " + quote(key));
    }
    tokens.push_back({std::move(token), true});
  }
  std::ranges::stable_sort(tokens, {}, [](const NamedToken& named) { return named.token.id; });
  return tokens;
}

}  // namespace

struct TokenizerConfig::Role {
  const char* key;
  std::optional<std::string> TokenizerConfig::*
      name;  // null: of no use here, but it is a special token
};

void TokenizerConfig::read_roles(const JsonValue& config, bool replace) {
  // In the order in which transformers adds them.
  static constexpr Role kAll[kRoles] = {{"bos_token", nullptr},
                                        {"eos_token", nullptr},
                                        {"unk_token", &TokenizerConfig::unk},
                                        {"sep_token", &TokenizerConfig::sep},
                                        {"pad_token", &TokenizerConfig::pad},
                                        {"cls_token", &TokenizerConfig::cls},
                                        {"mask_token", &TokenizerConfig::mask}};
  for (std::size_t i = 0; i < kRoles; ++i) {
    const Role& role = kAll[i];
    if (!config.has(role.key) || (roles_[i] && !replace)) continue;
    roles_[i] = read_special(config.at(role.key));
    if (role.name != nullptr && (replace || !(this->*role.name))) {
      this->*role.name = roles_[i]->content;
    }
  }
  // "additional_special_tokens" of transformers 4, "extra_special_tokens" of 5; and tokens under names of their own.
  for (const char* key : {"extra_special_tokens", "additional_special_tokens"}) {
    if (!config.has(key)) continue;
    const JsonValue value = config.at(key);
    if (value.is_object()) {  // by names of their own
      for (const JsonValue token : value.members()) additional_.push_back(read_special(token));
    } else {
      for (const JsonValue token : value.elements()) additional_.push_back(read_special(token));
    }
  }
  for (const JsonValue member : config.members()) {
    const std::string_view key = member.key();
    const bool known = std::any_of(std::begin(kAll), std::end(kAll),
                                   [&](const Role& role) { return role.key == key; });
    if (!known && key.ends_with("_token") && member.is_string()) {
      additional_.push_back(read_special(member));
    }
  }
}

void TokenizerConfig::read_text_settings(const JsonValue& config) {
  fill(lowercase, config, "do_lower_case");
  fill(strip_accents, config, "strip_accents");
  fill(tokenize_chinese_chars, config, "tokenize_chinese_chars");
  fill(clean_up_tokenization_spaces, config, "clean_up_tokenization_spaces");
  if (const auto side = read_side(config, "truncation_side")) truncation_side = side;
  split_special_tokens = config.boolean("split_special_tokens", split_special_tokens);
}

void TokenizerConfig::read_lengths(const JsonValue& config) {
  // Transformers writes int(1e30) for "no limit": not a limit, whichever way JSON spells it. Old files say max_len.
  for (const char* key : {"model_max_length", "max_len"}) {
    const auto length = config.find(key);
    if (model_max_length || !length || !length->is_number()) continue;
    const double value = length->number();
    if (value >= 1 && value <= 1e9 && std::floor(value) == value) {
      model_max_length = static_cast<int>(value);
    }
    return;  // model_max_length says that there is no limit
  }
}

bool TokenizerConfig::read(const JsonValue& config) {
  if (!config.is_object()) config.expected("an object");
  settles_length = true;
  tell_unknown_keys(config, tokenizer_config_keys(), notices);
  read_roles(config, false);
  read_text_settings(config);
  read_lengths(config);
  fill(add_prefix_space, config, "add_prefix_space");
  fill(trim_offsets, config, "trim_offsets");
  if (config.has("model_input_names")) {
    token_types = false;
    for (const JsonValue name : config.at("model_input_names").elements()) {
      if (name.string() == "token_type_ids") token_types = true;
    }
  }
  if (config.has("tokenizer_class")) {
    tokenizer_class = config.string("tokenizer_class");
    class_place = config.path();
  }
  if (const auto map = config.find("auto_map")) {
    remote_code = map->is_array() || map->has("AutoTokenizer");
  }
  if (!config.has("added_tokens_decoder")) return false;
  numbered_ = read_decoder(config.at("added_tokens_decoder"));
  return true;
}

void TokenizerConfig::read_special_tokens_map(const JsonValue& map) {
  if (!map.is_object()) map.expected("an object");
  tell_unknown_keys(map, special_tokens_map_keys(), notices);
  read_roles(map, true);
}

void TokenizerConfig::read_added_tokens(const JsonValue& ids) {
  if (!ids.is_object()) ids.expected("an object of tokens and their ids");
  std::set<std::string_view> special;
  for (const auto& role : roles_) {
    if (role) special.insert(role->content);
  }
  for (const AddedToken& token : additional_) special.insert(token.content);
  for (const JsonValue member : ids.members()) {
    AddedToken token;
    token.id = static_cast<std::int32_t>(member.integer(0, kMostId));
    token.content = member.key();
    if (token.content.empty()) member.fail("expected a token of at least one character");
    token.special = special.contains(token.content);
    token.normalized = !token.special;
    numbered_.push_back({std::move(token), false});
  }
  std::ranges::stable_sort(numbered_, {}, [](const NamedToken& named) { return named.token.id; });
}

void TokenizerConfig::collect_tokens() {
  tokens = std::move(numbered_);
  std::set<std::string> numbered;
  for (const NamedToken& named : tokens) numbered.insert(named.token.content);
  for (std::optional<AddedToken>& role : roles_) {
    // A role's token that is numbered has the flags that stand there.
    if (role && !numbered.contains(role->content)) {
      tokens.push_back({std::move(*role), false, true});
    }
    role.reset();
  }
  for (AddedToken& token : additional_) tokens.push_back({std::move(token), false});
  additional_.clear();
}

void TokenizerConfig::settle() {
  collect_tokens();
  const TokenizerClass& known = find_tokenizer_class(tokenizer_class);
  if (!token_types && !known.token_types) token_types = false;
  if (known.bert_text) {
    bert_text =
        BertText{lowercase.value_or(true), strip_accents, tokenize_chinese_chars.value_or(true)};
  }
}

std::string TokenizerConfig::kept() const {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  const auto keep = [&](const char* key, const std::optional<std::string>& value) {
    if (value) writer.member(key, *value);
  };
  keep("cls_token", cls);
  keep("sep_token", sep);
  keep("mask_token", mask);
  keep("pad_token", pad);
  keep("unk_token", unk);
  if (model_max_length) writer.member("model_max_length", *model_max_length);
  if (clean_up_tokenization_spaces.value_or(false)) {
    writer.member("clean_up_tokenization_spaces", true);
  }
  if (settles_length) writer.member("settles_length", true);
  if (truncation_side) writer.member("truncation_side", to_string(*truncation_side));
  if (token_types) writer.member("token_types", *token_types);
  if (split_special_tokens) writer.member("split_special_tokens", true);
  if (bert_text) {
    writer.key("bert_text").begin_object().member("lowercase", bert_text->lowercase);
    if (bert_text->strip_accents) writer.member("strip_accents", *bert_text->strip_accents);
    writer.member("chinese_chars", bert_text->chinese_chars).end();
  }
  if (!tokens.empty()) {
    writer.key("tokens").begin_array();
    for (const NamedToken& token : tokens) write_token(writer, token);
    writer.end();
  }
  writer.end();
  return out == "{}" ? "" : out;
}

void TokenizerConfig::read_kept(const JsonValue& kept) {
  if (!kept.is_object()) kept.expected("an object");
  read_roles(kept, false);
  roles_ = {};  // those that are added stand under "tokens"
  additional_.clear();
  read_text_settings(kept);
  read_lengths(kept);
  settles_length = kept.boolean("settles_length", settles_length);
  if (kept.has("token_types")) token_types = kept.at("token_types").boolean();
  if (kept.has("bert_text")) {
    const JsonValue text = kept.at("bert_text");
    bert_text = BertText{text.boolean("lowercase", true), std::nullopt,
                         text.boolean("chinese_chars", true)};
    if (text.has("strip_accents")) bert_text->strip_accents = text.at("strip_accents").boolean();
  }
  if (!kept.has("tokens")) return;
  for (const JsonValue value : kept.at("tokens").elements()) {
    NamedToken named{read_token(value), value.boolean("flags_count", false), false};
    named.token.id = static_cast<std::int32_t>(value.at("id").integer(-1, kMostId));
    tokens.push_back(std::move(named));
  }
}

}  // namespace sapwood
