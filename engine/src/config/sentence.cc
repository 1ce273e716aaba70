#include "config/sentence.h"

#include "base/quote.h"
#include "config/fields.h"
#include "config/poolings.h"
#include "config/sentence_keys.h"
#include "config/sentence_router.h"
#include "config/sentence_transformer.h"

namespace sapwood {
namespace {

// Reads the files that one modules.json leads to.
class Reader {
 public:
  Reader(const Folder& folder, Notices& notices) : folder_(folder), notices_(notices) {}

  SentenceConfig read(const InputFile& modules_file) {
    const JsonDocument modules = read_json(modules_file, notices_);
    try {
      read_model();
      for (const JsonValue module : modules.root().elements()) read_module(module);
      if (!pooled_) tell_no_vector(modules.where());
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      sentence_.unsupported = error.what();
      sentence_.modules.clear();
      sentence_.token_modules.clear();
      sentence_.sparse.reset();
      sentence_.normalize = false;
    }
    return std::move(sentence_);
  }

  SentenceConfig read_settings() {
    try {
      read_model();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unsupported) throw;
      sentence_.unsupported = error.what();
    }
    return std::move(sentence_);
  }

 private:
  // Throws Error unsupported unless the modules make vectors of another kind than one dense one a text.
  void tell_no_vector(const std::string& where) {
    if (sentence_.sparse) {
      if (max_active_dims_) sentence_.sparse->max_active_dims = max_active_dims_;
      sentence_.unsupported =
          where + ": the modules make sparse vectors: ask for those (embed --sparse)";
    } else if (!sentence_.token_modules.empty()) {
      if (is_pylate_) sentence_.token_modules.push_back({});
      sentence_.unsupported =
          where +
          ": the modules make one vector a token: ask for those, with pooling none (embed "
          "--pooling none)";
    } else {
      throw Error(ErrorCode::unsupported, where + ": there is no Pooling module");
    }
  }

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
    if (root.has("max_active_dims")) {
      max_active_dims_ = root.integer("max_active_dims", 1, kMaxVocabulary);
    }
    // Up to its version 3 PyLate made the tokens' vectors of length 1 without a module for it.
    is_pylate_ = root.string("model_type", "") == "ColBERT";
    read_prompts(root);
    const std::string_view similarity = root.string("similarity_fn_name", "cosine");
    bool known = false;
    for (const NamedValue& each : names_of(Similarity{}).values) {
      if (each.name != similarity) continue;
      sentence_.similarity = static_cast<Similarity>(each.value);
      known = true;
    }
    if (!known && similarity != "maxsim" && similarity != "MaxSim") {  // of tokens' vectors
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
    // PyLate's own, which stand before the prompts.
    for (const auto& [key, name] :
         {std::pair{"query_prefix", "query"}, std::pair{"document_prefix", "document"}}) {
      if (root.has(key)) sentence_.prompts[name].insert(0, root.string(key));
    }
    if (!root.has("default_prompt_name")) return;
    const std::string name(root.string("default_prompt_name"));
    // These two sentence-transformers has always, and empty.
    if (name == "query" || name == "document") sentence_.prompts.try_emplace(name);
    if (name.empty() || !sentence_.prompts.contains(name)) {
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
    const std::string folder = module_folder(module);
    switch (known->kind) {
      case ModuleKind::transformer:
        if (transformers_++ > 0) refuse(module, "type", "a second Transformer is not supported");
        output_ = read_transformer_settings(folder_, sentence_, notices_);
        if (type.ends_with(".MLMTransformer")) output_ = TransformerOutput::words;
        return;
      case ModuleKind::pooling:
        if (pooled_) refuse(module, "type", "a second Pooling module is not supported");
        require_hidden(module);
        return read_pooling(config_in(folder).root());
      case ModuleKind::splade:
        if (transformers_ == 0) refuse(module, "type", "it stands before the Transformer");
        require_words(module);
        return read_splade(config_in(folder).root());
      case ModuleKind::router:
        return read_ways(module, folder);
      case ModuleKind::dense:
        return read_dense(module, folder);
      case ModuleKind::normalize:
        return read_normalize(module, folder);
      case ModuleKind::nothing:
        return;
      case ModuleKind::sparse_static:
        refuse(module, "type", "queries by weights alone are supported only in a Router");
      case ModuleKind::refused:
        break;
    }
    refuse(module, "type",
           "the module " + quote(type) + " is not supported: " + std::string(known->why));
  }

  JsonDocument config_in(const std::string& folder) {
    return read_json(folder_.at(std::filesystem::path(folder) / "config.json"), notices_);
  }

  void read_pooling(const JsonValue& root) {
    tell_unknown_keys(root, SentenceFile::pooling, notices_);
    sentence_.poolings = parse_poolings(root);
    sentence_.include_prompt = root.boolean("include_prompt", true);
    if (!sentence_.token_modules.empty() || sentence_.sparse) {
      refuse(root, "pooling_mode", "modules before the pooling are not supported");
    }
    pooled_ = true;
  }

  void read_splade(const JsonValue& root) {
    tell_unknown_keys(root, SentenceFile::splade, notices_);
    SparseConfig sparse;
    const std::string_view strategy = root.string("pooling_strategy", "max");
    if (strategy != "max" && strategy != "sum") {
      refuse(root, "pooling_strategy", "expected max or sum, found " + quote(strategy));
    }
    sparse.sum = strategy == "sum";
    const std::string_view function = root.string("activation_function", "relu");
    if (function != "relu" && function != "log1p_relu") {
      refuse(root, "activation_function", "expected relu or log1p_relu, found " + quote(function));
    }
    sparse.log_twice = function == "log1p_relu";
    sentence_.sparse = std::move(sparse);
  }

  void read_ways(const JsonValue& module, const std::string& folder) {
    if (!folder.empty() || transformers_++ > 0) {
      refuse(module, "path", "expected one Router in the model's own folder");
    }
    const RouterModules ways = read_router(folder_, notices_);
    output_ = read_transformer_settings(folder_, sentence_, notices_);
    require_words(module);
    read_splade(config_in(ways.splade).root());
    const JsonDocument query = config_in(ways.query);
    tell_unknown_keys(query.root(), SentenceFile::sparse_static, notices_);
    if (query.root().has("path")) {
      refuse(query.root(), "path", "weights in another file are not read: save the model again");
    }
    sentence_.sparse->query_path = ways.query;
    sentence_.sparse->default_route = ways.default_route;
  }

  // Whether a module reads and writes the tokens' vectors; those of the text otherwise. Throws Error unsupported for other
  // values, and where there is none yet.
  bool is_of_tokens(const JsonValue& module, const JsonValue* config) const {
    const bool pylate = module.string("type").starts_with("pylate.");
    std::string_view in = pylate ? "token_embeddings" : "sentence_embedding", out = in;
    if (config != nullptr) {
      in = config->string("module_input_name", in);
      out = config->string("module_output_name", in);
    }
    const bool tokens = in == "token_embeddings";
    if (in != out || (!tokens && in != "sentence_embedding") || (tokens && pooled_)) {
      refuse(config != nullptr ? *config : module, "module_input_name",
             "expected a module that changes the text's vector, found one from " + quote(in) +
                 " to " + quote(out));
    }
    if (!tokens && !pooled_) refuse(module, "type", "it stands before the Pooling module");
    if (tokens) require_hidden(module);
    return tokens;
  }

  void require_hidden(const JsonValue& module) const {
    if (output_ == TransformerOutput::unsaid || output_ == TransformerOutput::hidden) return;
    refuse(
        module, "type",
        "it reads the tokens' vectors, and the Transformer before it gives the logits of its head "
        "(transformer_task): only SpladePooling is supported behind one");
  }

  void require_words(const JsonValue& module) const {
    if (output_ == TransformerOutput::unsaid || output_ == TransformerOutput::words) return;
    refuse(module, "type",
           "SpladePooling reads the logits of a masked-LM head: expected a Transformer with the "
           "transformer_task 'fill-mask' before it");
  }

  void read_normalize(const JsonValue& module, const std::string& folder) {
    const auto file = folder_.find(std::filesystem::path(folder) / "config.json");
    if (file && !folder.empty()) {  // older versions write none
      const JsonDocument json = read_json(*file, notices_);
      const JsonValue root = json.root();
      tell_unknown_keys(root, SentenceFile::normalize, notices_);
      if (is_of_tokens(module, &root)) return sentence_.token_modules.push_back({});
    } else {
      is_of_tokens(module, nullptr);
    }
    sentence_.normalize = true;
  }

  void read_dense(const JsonValue& module, const std::string& folder) {
    const JsonDocument json = config_in(folder);
    const JsonValue root = json.root();
    tell_unknown_keys(root, SentenceFile::dense, notices_);
    const bool of_tokens = is_of_tokens(module, &root);
    VectorModule dense{.kind = VectorModuleKind::dense, .path = folder};
    if (folder.empty()) module.fail_at("path", "expected a folder of the model, found ''");
    dense.in = root.integer("in_features", 1, kMaxPooled);
    dense.out = root.integer("out_features", 1, kMaxWidth);
    dense.bias = root.boolean("bias", true);
    dense.activation = dense_activation(root);
    dense.residual = root.boolean("use_residual", false);
    if (of_tokens) return sentence_.token_modules.push_back(std::move(dense));
    if (sentence_.normalize) sentence_.modules.push_back({});
    sentence_.normalize = false;  // what stands last
    sentence_.modules.push_back(std::move(dense));
  }

  Activation dense_activation(const JsonValue& root) {
    constexpr const char* kKey = "activation_function";
    if (!root.has(kKey)) return Activation::tanh;
    const std::string_view function = root.string(kKey);
    const std::string_view name = class_name(function);
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
  TransformerOutput output_ = TransformerOutput::unsaid;
  bool pooled_ = false, is_pylate_ = false;
  std::optional<int> max_active_dims_;
};

int width_behind(const std::vector<VectorModule>& modules, int width) {
  for (const VectorModule& module : modules) {
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

SentenceConfig read_sentence_settings(const Folder& folder, Notices& notices) {
  return Reader(folder, notices).read_settings();
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

void add_sentence(ModelConfig& config, std::optional<SentenceConfig> sentence) {
  if (!sentence) return;
  width_behind(sentence->modules, static_cast<int>(sentence->poolings.size()) * config.hidden);
  width_behind(sentence->token_modules, config.hidden);
  if (sentence->pair_score) config.pair_score = *sentence->pair_score;
  config.sentence = std::move(sentence);
}

}  // namespace sapwood
