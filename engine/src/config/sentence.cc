#include "config/sentence.h"

#include "base/quote.h"
#include "config/fields.h"
#include "config/poolings.h"
#include "config/sentence_keys.h"

namespace sapwood {
namespace {

[[noreturn]] void refuse(const JsonValue& object, std::string_view key, const std::string& why) {
  object.fail_at(key, why, ErrorCode::unsupported);
}

// The folder of a module: one in the model's folder with a usual name, so that whoever lists a model's files
// without reading modules.json (model_files does) finds it; or "", the model's own.
std::string folder_of(const JsonValue& module) {
  std::string_view folder = module.string("path", "");
  if (folder.ends_with('/')) folder.remove_suffix(1);
  if (folder.starts_with('.') || folder.find_first_of(std::string_view("/\0", 2)) != folder.npos) {
    module.fail_at("path", "expected a folder of the model, found " + quote(folder));
  }
  return std::string(folder);
}

// Reads the files that one modules.json leads to.
class Reader {
 public:
  Reader(const Folder& folder, Notices& notices) : folder_(folder), notices_(notices) {}

  SentenceConfig read(const InputFile& modules_file) {
    const JsonDocument modules = read_json(modules_file, notices_);
    try {
      read_model();
      for (const JsonValue module : modules.root().elements()) read_module(module);
      if (!pooled_) {
        throw Error(ErrorCode::unsupported, modules.where() + ": there is no Pooling module");
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      sentence_.unsupported = error.what();
      sentence_.modules.clear();
      sentence_.normalize = false;
    }
    return std::move(sentence_);
  }

 private:
  // config_sentence_transformers.json
  void read_model() {
    const auto file = folder_.find("config_sentence_transformers.json");
    if (!file) return;
    const JsonDocument json = read_json(*file, notices_);
    const JsonValue root = json.root();
    tell_unknown_keys(root, SentenceFile::model, notices_);
    if (root.has("truncate_dim")) {
      sentence_.truncate_dim = root.integer("truncate_dim", 1, kMaxPooled);
    }
    read_prompts(root);
    const std::string_view similarity = root.string("similarity_fn_name", "cosine");
    bool known = false;
    for (const NamedValue& each : names_of(Similarity{}).values) {
      if (each.name != similarity) continue;
      sentence_.similarity = static_cast<Similarity>(each.value);
      known = true;
    }
    if (!known) {
      notices_.add(root.path() + ": similarity_fn_name: vectors are not compared by " +
                   quote(similarity) + " here, but by their cosine");
    }
    if (!root.has("activation_fn")) return;
    sentence_.pair_score = parse_pair_score(root.string("activation_fn"));
    if (sentence_.pair_score) return;
    notices_.add(unknown_pair_score(root.path(), root.string("activation_fn")));
  }

  void read_prompts(const JsonValue& root) {
    if (root.has("prompts")) {
      for (const JsonValue prompt : root.object("prompts").members()) {
        // sentence-transformers takes a prompt that is null for an empty one.
        sentence_.prompts[std::string(prompt.key())] = prompt.is_null() ? "" : prompt.string();
      }
    }
    const std::string name(root.string("default_prompt_name", ""));
    if (name.empty()) return;
    // These two sentence-transformers has always, and empty.
    if (name == "query" || name == "document") sentence_.prompts.try_emplace(name);
    if (!sentence_.prompts.contains(name)) {
      refuse(root, "default_prompt_name",
             "expected the name of one of the prompts, found " + quote(name));
    }
    sentence_.default_prompt_name = name;
  }

  void read_module(const JsonValue& module) {
    tell_unknown_keys(module, SentenceFile::modules, notices_);
    const std::string_view type = module.string("type");
    const KnownModule* known = find_module(type);
    if (known == nullptr) {
      refuse(module, "type",
             "the module " + quote(type) +
                 " is not supported: it is none of sentence-transformers' own");
    }
    const std::string folder = folder_of(module);
    switch (known->kind) {
      case ModuleKind::transformer:
        if (transformers_++ > 0) refuse(module, "type", "a second Transformer is not supported");
        return read_transformer();
      case ModuleKind::pooling:
        if (pooled_) refuse(module, "type", "a second Pooling module is not supported");
        return read_pooling(config_in(folder).root());
      case ModuleKind::dense:
        return read_dense(module, folder);
      case ModuleKind::normalize:
        return read_normalize(module, folder);
      case ModuleKind::nothing:
        return;
      case ModuleKind::refused:
        break;
    }
    refuse(module, "type",
           "the module " + quote(type) + " is not supported: " + std::string(known->why));
  }

  JsonDocument config_in(const std::string& folder) {
    return read_json(folder_.at(std::filesystem::path(folder) / "config.json"), notices_);
  }

  void read_transformer() {
    const std::optional<Folder> inner = transformer_folder(folder_);
    for (const std::string_view name : transformer_files()) {
      const auto file = (inner ? *inner : folder_).find(name);
      if (!file) continue;
      const JsonDocument json = read_json(*file, notices_);
      const JsonValue root = json.root();
      tell_unknown_keys(root, SentenceFile::transformer, notices_);
      if (root.size() == 0) continue;  // as sentence-transformers does
      sentence_.lower_case = root.boolean("do_lower_case", false);
      check_task(root);
      check_arguments(root);
      return;
    }
  }

  static void check_task(const JsonValue& root) {
    const std::string_view task = root.string("transformer_task", "feature-extraction");
    if (task != "feature-extraction" && task != "fill-mask" && task != "sequence-classification") {
      refuse(root, "transformer_task", "expected feature-extraction, found " + quote(task));
    }
    if (!root.has("modality_config")) return;
    const JsonValue config = root.object("modality_config");
    if (!config.has("text")) refuse(root, "modality_config", "it has no \"text\"");
    const JsonValue text = config.object("text");
    const JsonValue output = text.at("method_output_name");
    const bool usual = text.string("method", "forward") == "forward" && output.is_string() &&
                       (output.string() == "last_hidden_state" || output.string() == "logits");
    if (!usual) {
      refuse(root, "modality_config",
             "expected the text's last_hidden_state, found " + quote(text.to_json()));
    }
  }

  // What Python's classes get besides. Types and programs change no result that matters here.
  void check_arguments(const JsonValue& root) {
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
      notices_.add(root.path() + ": " + printable(names) + ": what it asks for is not done");
    }
  }

  void read_pooling(const JsonValue& root) {
    tell_unknown_keys(root, SentenceFile::pooling, notices_);
    sentence_.poolings = parse_poolings(root);
    sentence_.include_prompt = root.boolean("include_prompt", true);
    pooled_ = true;
  }

  // Throws Error unsupported unless a module reads and writes the vector of the text.
  void require_vectors(const JsonValue& module, const JsonValue* config) const {
    if (!pooled_) refuse(module, "type", "it stands before the Pooling module");
    if (config == nullptr) return;
    const std::string_view in = config->string("module_input_name", "sentence_embedding");
    for (const std::string_view name : {in, config->string("module_output_name", in)}) {
      if (name == "sentence_embedding") continue;
      refuse(
          *config, "module_input_name",
          "expected a module from sentence_embedding to sentence_embedding, found " + quote(name));
    }
  }

  void read_normalize(const JsonValue& module, const std::string& folder) {
    const auto file = folder_.find(std::filesystem::path(folder) / "config.json");
    if (file && !folder.empty()) {  // older versions write none
      const JsonDocument json = read_json(*file, notices_);
      const JsonValue root = json.root();
      tell_unknown_keys(root, SentenceFile::normalize, notices_);
      require_vectors(module, &root);
    } else {
      require_vectors(module, nullptr);
    }
    sentence_.normalize = true;
  }

  void read_dense(const JsonValue& module, const std::string& folder) {
    const JsonDocument json = config_in(folder);
    const JsonValue root = json.root();
    tell_unknown_keys(root, SentenceFile::dense, notices_);
    require_vectors(module, &root);
    VectorModule dense{.kind = VectorModuleKind::dense, .path = folder};
    if (folder.empty()) module.fail_at("path", "expected a folder of the model, found ''");
    dense.in = root.integer("in_features", 1, kMaxPooled);
    dense.out = root.integer("out_features", 1, kMaxWidth);
    dense.bias = root.boolean("bias", true);
    dense.activation = dense_activation(root);
    dense.residual = root.boolean("use_residual", false);
    if (sentence_.normalize) sentence_.modules.push_back({});
    sentence_.normalize = false;  // what stands last
    sentence_.modules.push_back(std::move(dense));
  }

  Activation dense_activation(const JsonValue& root) {
    constexpr const char* kKey = "activation_function";
    if (!root.has(kKey)) return Activation::tanh;
    const std::string_view function = root.string(kKey);
    const std::string_view name = function.substr(function.rfind('.') + 1);
    if (!function.starts_with("torch.")) {
      // As sentence-transformers does with a function that comes with the model.
      notices_.add(root.path() + ": " + quote(function) +
                   " is no function of torch's; Tanh is computed, as sentence-transformers does");
      return Activation::tanh;
    }
    if (name == "Tanh") return Activation::tanh;
    if (name == "Identity") return Activation::none;
    if (name == "ReLU") return Activation::relu;
    if (name == "GELU") return Activation::gelu;
    refuse(root, kKey,
           "activation " + quote(function) +
               " is not supported; torch's Tanh, Identity, ReLU and GELU are");
  }

  const Folder& folder_;
  Notices& notices_;
  SentenceConfig sentence_;
  int transformers_ = 0;
  bool pooled_ = false;
};

}  // namespace

JsonDocument read_json(const InputFile& file, Notices& notices) {
  JsonDocument json = JsonDocument::parse(file.read(kMaxConfigBytes), file.path().string());
  notices.add(json.doubled_key_notices());
  return json;
}

std::optional<SentenceConfig> read_sentence_config(const Folder& folder, Notices& notices) {
  const auto modules = folder.find("modules.json");
  if (!modules) return std::nullopt;
  SentenceConfig sentence = Reader(folder, notices).read(*modules);
  sentence.max_seq_length = read_sentence_length(folder, notices);
  return sentence;
}

std::optional<Folder> transformer_folder(const Folder& folder) {
  const auto modules = folder.find("modules.json");
  if (!modules) return std::nullopt;
  Notices told_elsewhere;
  const JsonDocument json = read_json(*modules, told_elsewhere);
  for (const JsonValue module : json.root().elements()) {
    const KnownModule* known = find_module(module.string("type"));
    if (known == nullptr || known->kind != ModuleKind::transformer) continue;
    const std::string name = folder_of(module);
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

std::optional<PairScore> parse_pair_score(std::string_view function) noexcept {
  if (!function.starts_with("torch.")) return std::nullopt;
  if (function.ends_with(".Sigmoid")) return PairScore::sigmoid;
  if (function.ends_with(".Identity")) return PairScore::raw;
  return std::nullopt;
}

std::string unknown_pair_score(const std::string& where, std::string_view function) {
  return where + ": a CrossEncoder would score by " + quote(function) +
         "; rerank gives the sigmoid of the logit, or the logit itself as raw score";
}

int vector_width(const SentenceConfig& sentence, int hidden) {
  int width = static_cast<int>(sentence.poolings.size()) * hidden;
  for (const VectorModule& module : sentence.modules) {
    if (module.kind != VectorModuleKind::dense) continue;
    if (module.in != width) {
      throw Error(ErrorCode::mismatch, "the module " + quote(module.path) + " wants vectors of " +
                                           std::to_string(module.in) + " numbers and gets " +
                                           std::to_string(width));
    }
    width = module.out;
  }
  return width;
}

void add_sentence(ModelConfig& config, std::optional<SentenceConfig> sentence) {
  if (!sentence) return;
  vector_width(*sentence, config.hidden);
  if (sentence->pair_score) config.pair_score = *sentence->pair_score;
  config.sentence = std::move(sentence);
}

}  // namespace sapwood
