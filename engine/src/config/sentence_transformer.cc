#include "config/sentence_transformer.h"

#include "base/quote.h"
#include "config/sentence.h"
#include "config/sentence_keys.h"
#include "config/sentence_router.h"

namespace sapwood {
namespace {

TransformerOutput read_task(const JsonValue& root) {
  const std::string_view task = root.string("transformer_task", "feature-extraction");
  TransformerOutput output = TransformerOutput::unsaid;
  if (task == "fill-mask") {
    output = TransformerOutput::words;
  } else if (task == "sequence-classification") {
    output = TransformerOutput::labels;
  } else if (task != "feature-extraction") {
    refuse(
        root, "transformer_task",
        "expected feature-extraction, fill-mask or sequence-classification, found " + quote(task));
  } else if (root.has("transformer_task")) {
    output = TransformerOutput::hidden;
  }
  if (!root.has("modality_config")) return output;
  const JsonValue config = root.object("modality_config");
  if (!config.has("text")) refuse(root, "modality_config", "it has no \"text\"");
  const JsonValue text = config.object("text");
  const JsonValue name = text.at("method_output_name");
  // What the class of the task gives: a model without a head has no logits, one with a head shows nothing else.
  const std::string_view given = task == "feature-extraction" ? "last_hidden_state" : "logits";
  if (text.string("method", "forward") != "forward" || !name.is_string() ||
      name.string() != given) {
    refuse(root, "modality_config",
           "expected the text's " + std::string(given) + " for the transformer_task " +
               quote(task) + ", found " + quote(text.to_json()));
  }
  return output;
}

// What Python's classes get besides. Types and programs change no result that matters here.
void check_arguments(const JsonValue& root, Notices& notices) {
  for (const char* key : {"processing_kwargs", "processor_kwargs", "tokenizer_args", "model_args",
                          "model_kwargs", "config_args", "config_kwargs"}) {
    if (!root.has(key)) continue;
    std::string names;
    for (const JsonValue member : root.object(key).members()) {
      const std::string_view name = member.key();
      const bool harmless = member.is_null() || name == "torch_dtype" || name == "dtype" ||
                            name == "attn_implementation" || name == "trust_remote_code" ||
                            name == "model_max_length" || name == "use_fast" ||
                            (member.is_object() && member.size() == 0);
      if (harmless || names.size() > kShownCharacters) continue;
      names += (names.empty() ? "" : ", ") + quote(std::string(key) + "." + std::string(name));
    }
    if (names.empty()) continue;
    notices.add(root.path() + ": " + printable(names) + ": what it asks for is not done");
  }
}

// Where a Router's encoder is; "" where it is in the model's own folder, or the router is not supported.
std::string documents_folder(const Folder& folder) {
  Notices told_elsewhere;
  try {
    return read_router(folder, told_elsewhere).transformer;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    return "";
  }
}

}  // namespace

void refuse(const JsonValue& object, std::string_view key, const std::string& why) {
  object.fail_at(key, why, ErrorCode::unsupported);
}

std::string module_folder(const JsonValue& module) {
  std::string_view folder = module.string("path", "");
  if (folder.ends_with('/')) folder.remove_suffix(1);
  if (folder.starts_with('.') || folder.find_first_of(std::string_view("/\0", 2)) != folder.npos) {
    module.fail_at("path", "expected a folder of the model, found " + quote(folder));
  }
  return std::string(folder);
}

TransformerOutput read_transformer_settings(const Folder& folder, SentenceConfig& sentence,
                                            Notices& notices) {
  const std::optional<Folder> inner = transformer_folder(folder);
  for (const std::string_view name : transformer_files()) {
    const auto file = (inner ? *inner : folder).find(name);
    if (!file) continue;
    const JsonDocument json = read_json(*file, notices);
    const JsonValue root = json.root();
    tell_unknown_keys(root, SentenceFile::transformer, notices);
    if (root.size() == 0) continue;  // as sentence-transformers does
    sentence.lower_case = root.boolean("do_lower_case", false);
    const TransformerOutput output = read_task(root);
    check_arguments(root, notices);
    return output;
  }
  return TransformerOutput::unsaid;
}

std::optional<Folder> transformer_folder(const Folder& folder) {
  const auto modules = folder.find("modules.json");
  if (!modules) return std::nullopt;
  Notices told_elsewhere;
  const JsonDocument json = read_json(*modules, told_elsewhere);
  for (const JsonValue module : json.root().elements()) {
    const KnownModule* known = find_module(module.string("type"));
    if (known == nullptr) continue;
    std::string name;
    if (known->kind == ModuleKind::router) {
      name = documents_folder(folder);
    } else if (known->kind == ModuleKind::transformer) {
      name = module_folder(module);
    } else {
      continue;
    }
    if (name.empty()) break;
    if (auto inner = folder.find_folder(name)) return inner;
    module.fail_at("path", "there is no folder " + quote(name), ErrorCode::not_found);
  }
  return std::nullopt;
}

std::optional<int> read_sentence_length(const Folder& folder, Notices& notices) {
  if (!folder.find("modules.json")) return std::nullopt;
  const std::optional<Folder> inner = transformer_folder(folder);
  for (const std::string_view name : transformer_files()) {
    const auto file = (inner ? *inner : folder).find(name);
    if (!file) continue;
    const JsonDocument json = read_json(*file, notices);
    const JsonValue root = json.root();
    if (!root.is_object()) root.expected("an object");
    if (root.size() == 0) continue;
    // What the tokenizer itself is given counts before the module's own limit.
    for (const char* key : {"tokenizer_args", "processor_kwargs"}) {
      const auto arguments = root.find(key);
      if (arguments && arguments->is_object() && arguments->has("model_max_length")) {
        return arguments->integer("model_max_length", 1, kMaxSentenceLength);
      }
    }
    if (!root.has("max_seq_length")) return std::nullopt;
    return root.integer("max_seq_length", 1, kMaxSentenceLength);
  }
  return std::nullopt;
}

}  // namespace sapwood
