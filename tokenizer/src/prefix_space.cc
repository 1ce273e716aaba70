#include "prefix_space.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer_class.h"

namespace sapwood {
namespace {

constexpr const char* kPrefix = "add_prefix_space";
constexpr const char* kTrim = "trim_offsets";
constexpr const char* kScheme = "prepend_scheme";

std::string_view component_type(const JsonValue& node) {
  const auto type = node.find("type");
  return type && type->is_string() ? type->string() : std::string_view();
}

// What a component has in its own members in place of those in the file, as JSON.
using Members = std::vector<std::pair<std::string_view, std::string_view>>;

std::string_view json(bool value) { return value ? "true" : "false"; }

bool has_member(const Members& members, std::string_view key) {
  for (const auto& [name, value] : members) {
    if (name == key) return true;
  }
  return false;
}

// The Metaspace of a pre-tokenizer or a decoder, which may stand in a sequence.
std::optional<JsonValue> find_metaspace(const JsonValue& node) {
  if (component_type(node) == "Metaspace") return node;
  for (const char* list : {"pretokenizers", "decoders"}) {
    const auto inner = node.find(list);
    if (!inner || !inner->is_array()) continue;
    for (const JsonValue each : inner->elements()) {
      if (component_type(each) == "Metaspace") return each;
    }
  }
  return std::nullopt;
}

// One tokenizer.json and what has to be changed of it.
class Changes {
 public:
  Changes(const JsonDocument& document, Notices& notices)
      : document_(document), root_(document.root()), notices_(notices) {}

  void add(const TokenizerConfig& config) {
    if (!root_.has("pre_tokenizer")) return;
    const JsonValue first = root_.at("pre_tokenizer");
    const PrefixSpace rule = find_tokenizer_class(config.tokenizer_class).prefix_space;
    if (component_type(first) == "ByteLevel") {
      const bool in_file = first.boolean(kPrefix, true);
      if (rule != PrefixSpace::byte_level && rule != PrefixSpace::roberta) {
        return tell_other(config, in_file);
      }
      const bool wanted = config.add_prefix_space.value_or(false);
      change("pre_tokenizer", {{kPrefix, json(in_file)}}, {{kPrefix, json(wanted)}});
      if (rule == PrefixSpace::roberta)
        change_processor(wanted, config.trim_offsets.value_or(true));
    } else if (const auto metaspace = find_metaspace(first)) {
      const bool in_file = metaspace->string(kScheme, "always") != "never";
      if (rule != PrefixSpace::metaspace) return tell_other(config, in_file);
      const bool wanted = config.add_prefix_space.value_or(in_file);
      if (wanted == in_file) return;
      const std::string_view scheme = wanted ? R"("always")" : R"("never")";
      change("pre_tokenizer", {{kPrefix, json(in_file)}},
             {{kScheme, scheme}, {kPrefix, json(wanted)}});
      change("decoder", {}, {{kScheme, scheme}, {kPrefix, json(wanted)}});
    }
  }

  bool any() const { return !changed_.empty(); }

  std::string text() const {
    std::string out;
    JsonWriter writer(out);
    writer.begin_object();
    for (const JsonValue member : root_.members()) {
      writer.key(member.key());
      write(writer, member, members_for(member.key()));
    }
    writer.end();
    return out;
  }

 private:
  const Members* members_for(std::string_view part) const {
    for (const auto& [name, members] : changed_) {
      if (name == part) return &members;
    }
    return nullptr;
  }

  // RoBERTa's classes make their own of the post-processor's two settings.
  void change_processor(bool prefix, bool trim) {
    if (!root_.has("post_processor")) return;
    const JsonValue node = root_.at("post_processor");
    if (component_type(node) != "RobertaProcessing" && component_type(node) != "ByteLevel") return;
    change("post_processor",
           {{kPrefix, json(node.boolean(kPrefix, true))}, {kTrim, json(node.boolean(kTrim, true))}},
           {{kPrefix, json(prefix)}, {kTrim, json(trim)}});
  }

  void change(std::string_view part, const Members& in_file, Members wanted) {
    if (in_file == wanted || !root_.has(part)) return;
    for (const auto& [key, was] : in_file) {
      for (const auto& [name, value] : wanted) {
        if (name != key || value == was) continue;
        notices_.add(document_.where() + ": " + std::string(part) + " has " + std::string(key) +
                     " " + std::string(was) +
                     ", and the tokenizer's configuration, or its class where that is silent, asks "
                     "for " +
                     std::string(value) + "; the configuration counts, as in transformers");
      }
    }
    changed_.emplace_back(part, std::move(wanted));
  }

  void tell_other(const TokenizerConfig& config, bool in_file) {
    if (config.add_prefix_space.value_or(in_file) == in_file) return;
    notices_.add(document_.where() + ": pre_tokenizer has " + kPrefix + " " +
                 std::string(json(in_file)) + ", and the tokenizer's configuration says " +
                 std::string(json(!in_file)) + "; this file counts");
  }

  // `own`: of the component in `node` that is changed; null: as it stands.
  void write(JsonWriter& writer, const JsonValue& node, const Members* own) const {
    if (own == nullptr) return node.write(writer);
    if (node.is_array()) {
      writer.begin_array();
      for (const JsonValue each : node.elements()) write(writer, each, own);
      writer.end();
      return;
    }
    if (!node.is_object()) return node.write(writer);
    const bool is_sequence = component_type(node) == "Sequence";
    const bool is_it = component_type(node) == "Metaspace" || !has_member(*own, kScheme);
    writer.begin_object();
    for (const JsonValue member : node.members()) {
      if (is_it && !is_sequence && has_member(*own, member.key())) continue;
      writer.key(member.key());
      write(writer, member, is_sequence && member.is_array() ? own : nullptr);
    }
    if (is_it && !is_sequence) {
      for (const auto& [name, value] : *own) writer.key(name).raw(value);
    }
    writer.end();
  }

  const JsonDocument& document_;
  const JsonValue root_;
  Notices& notices_;
  std::vector<std::pair<std::string_view, Members>> changed_;  // by the part of the file
};

}  // namespace

void settle_prefix_space(JsonDocument& tokenizer, TokenizerConfig& config) {
  std::string text;
  {
    Changes changes(tokenizer, config.notices);
    changes.add(config);
    if (!changes.any()) return;
    text = changes.text();
  }
  tokenizer = JsonDocument::parse(std::move(text), tokenizer.where());
}

}  // namespace sapwood
