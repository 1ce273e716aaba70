#include "config/sentence_keys.h"

#include <algorithm>
#include <string>

#include "base/quote.h"

namespace sapwood {
namespace {

constexpr std::string_view kRead = "read";

// Those that read token vectors: a graph has none of them.
constexpr std::string_view kOverTokens = "it computes over the tokens' vectors";
// Of late interaction, whose tokens' vectors are made here and compared by others.
constexpr std::string_view kTwoTexts = "how a query and a document are compared";
constexpr std::string_view kOtherTokenizer = "it has a tokenizer of its own";

constexpr KnownModule kModules[] = {
    {"Transformer", ModuleKind::transformer, ""},
    // Before version 1.0 each architecture had a class.
    {"BERT", ModuleKind::transformer, ""},
    {"DistilBERT", ModuleKind::transformer, ""},
    {"RoBERTa", ModuleKind::transformer, ""},
    {"XLMRoBERTa", ModuleKind::transformer, ""},
    {"ALBERT", ModuleKind::transformer, ""},
    {"CamemBERT", ModuleKind::transformer, ""},
    {"MLMTransformer", ModuleKind::transformer, ""},
    {"Pooling", ModuleKind::pooling, ""},
    {"Dense", ModuleKind::dense, ""},
    {"Normalize", ModuleKind::normalize, ""},
    {"Dropout", ModuleKind::nothing, "nothing is dropped when a model answers"},
    {"SpladePooling", ModuleKind::splade, ""},
    {"SparseStaticEmbedding", ModuleKind::sparse_static, ""},
    {"SparseAutoEncoder", ModuleKind::refused, "it makes sparse vectors"},
    {"CSRSparsity", ModuleKind::refused, "it makes sparse vectors"},
    {"Router", ModuleKind::router, ""},
    {"Asym", ModuleKind::refused, "it has several ways to a vector"},
    {"MultiVectorMask", ModuleKind::nothing, "which tokens count where two texts are compared"},
    {"HierarchicalTokenPooling", ModuleKind::refused, "it is for one vector a token"},
    {"TokenPooling", ModuleKind::refused, "it is for one vector a token"},
    {"StaticEmbedding", ModuleKind::refused, "it has no encoder"},
    {"WeightedLayerPooling", ModuleKind::refused, "it reads all layers"},
    {"LayerNorm", ModuleKind::refused, "a norm behind the pooling is not computed"},
    {"LSTM", ModuleKind::refused, kOverTokens},
    {"CNN", ModuleKind::refused, kOverTokens},
    {"WordWeights", ModuleKind::refused, kOverTokens},
    {"WordEmbeddings", ModuleKind::refused, kOtherTokenizer},
    {"BoW", ModuleKind::refused, kOtherTokenizer},
    {"CLIPModel", ModuleKind::refused, "it is for pictures"},
    {"LogitScore", ModuleKind::refused, "it is for decoders"}};

constexpr KnownKey kEntry[] = {{"idx", "modules stand in their order in the file"},
                               {"name", "modules stand in their order in the file"},
                               {"path", kRead},
                               {"type", kRead},
                               {"kwargs", "names of arguments in Python"}};

constexpr KnownKey kModel[] = {{"__version__", "which programs wrote the file"},
                               {"requirements", "which Python packages its author used"},
                               {"model_type", "the modules say what the model is"},
                               {"prompts", kRead},
                               {"default_prompt_name", kRead},
                               {"similarity_fn_name", kRead},
                               {"truncate_dim", kRead},
                               {"activation_fn", kRead},
                               {"max_active_dims", kRead},
                               {"query_prefix", kRead},
                               {"document_prefix", kRead},
                               {"query_length", kTwoTexts},
                               {"document_length", kTwoTexts},
                               {"query_expansion", kTwoTexts},
                               {"do_query_expansion", kTwoTexts},
                               {"attend_to_expansion_tokens", kTwoTexts},
                               {"skiplist_words", kTwoTexts},
                               {"keep_in_fp32_modules", "about training and autocast in Python"}};

constexpr KnownKey kTransformer[] = {
    {"max_seq_length", kRead},
    {"do_lower_case", kRead},
    {"transformer_task", kRead},
    {"modality_config", kRead},
    {"module_output_name", "modality_config says the same"},
    {"processing_kwargs", kRead},
    {"processor_kwargs", kRead},
    {"tokenizer_args", kRead},
    {"model_args", kRead},
    {"model_kwargs", kRead},
    {"config_args", kRead},
    {"config_kwargs", kRead},
    {"query_length", kTwoTexts},
    {"document_length", kTwoTexts},
    {"query_expansion", kTwoTexts},
    {"unpad_inputs", "how a batch is computed, which changes no result"},
    {"tokenizer_name_or_path", "the tokenizer is the one in the folder"},
    {"cache_dir", "where Python keeps files"},
    {"backend", "which program computes in Python"}};

constexpr KnownKey kPooling[] = {{"word_embedding_dimension", "the model's own width counts"},
                                 {"embedding_dimension", "the model's own width counts"},
                                 {"pooling_mode", kRead},
                                 {"pooling_mode_cls_token", kRead},
                                 {"pooling_mode_max_tokens", kRead},
                                 {"pooling_mode_mean_tokens", kRead},
                                 {"pooling_mode_mean_sqrt_len_tokens", kRead},
                                 {"pooling_mode_weightedmean_tokens", kRead},
                                 {"pooling_mode_lasttoken", kRead},
                                 {"include_prompt", kRead}};

constexpr KnownKey kDense[] = {
    {"in_features", kRead},         {"out_features", kRead}, {"bias", kRead},
    {"activation_function", kRead}, {"use_residual", kRead}, {"module_input_name", kRead},
    {"module_output_name", kRead}};

constexpr KnownKey kNormalize[] = {{"module_input_name", kRead}, {"module_output_name", kRead}};

constexpr KnownKey kSplade[] = {{"pooling_strategy", kRead},
                                {"activation_function", kRead},
                                {"word_embedding_dimension", "the model's own vocabulary counts"},
                                {"embedding_dimension", "the model's own vocabulary counts"},
                                {"chunk_size", "how Python computes, which changes no result"}};

constexpr KnownKey kSparseStatic[] = {{"frozen", "about training"}, {"path", kRead}};

constexpr KnownKey kRouter[] = {{"types", kRead}, {"structure", kRead}, {"parameters", kRead}};

constexpr KnownKey kRouterParameters[] = {{"default_route", kRead},
                                          {"allow_empty_key", "the first way is the default one"},
                                          {"route_mappings", kRead}};

constexpr std::string_view kTransformerFiles[] = {
    "sentence_bert_config.json",       "sentence_roberta_config.json",
    "sentence_distilbert_config.json", "sentence_camembert_config.json",
    "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json"};

// null, {} and [] ask for nothing.
bool says_nothing(const JsonValue& value) {
  return value.is_null() || ((value.is_object() || value.is_array()) && value.size() == 0);
}

}  // namespace

const KnownModule* find_module(std::string_view type) noexcept {
  // Other packages' classes are programs that come with a model.
  if (!type.starts_with("sentence_transformers.") && !type.starts_with("pylate.models.")) {
    return nullptr;
  }
  const std::string_view name = class_name(type);
  for (const KnownModule& module : kModules) {
    if (module.name == name) return &module;
  }
  return nullptr;
}

std::span<const KnownKey> keys_of(SentenceFile file) noexcept {
  switch (file) {
    case SentenceFile::modules:
      return kEntry;
    case SentenceFile::model:
      return kModel;
    case SentenceFile::transformer:
      return kTransformer;
    case SentenceFile::pooling:
      return kPooling;
    case SentenceFile::dense:
      return kDense;
    case SentenceFile::normalize:
      return kNormalize;
    case SentenceFile::splade:
      return kSplade;
    case SentenceFile::sparse_static:
      return kSparseStatic;
    case SentenceFile::router:
      return kRouter;
    case SentenceFile::router_parameters:
      return kRouterParameters;
  }
  return {};
}

std::span<const std::string_view> transformer_files() noexcept { return kTransformerFiles; }

void tell_unknown_keys(const JsonValue& object, SentenceFile file, Notices& notices) {
  if (!object.is_object()) object.expected("an object");
  const std::span<const KnownKey> known = keys_of(file);
  std::string names;
  for (const JsonValue member : object.members()) {
    const bool is_known = std::any_of(
        known.begin(), known.end(), [&](const KnownKey& each) { return each.key == member.key(); });
    if (is_known || says_nothing(member) || names.size() > kShownCharacters) continue;
    names += (names.empty() ? "" : ", ") + quote(member.key());
  }
  if (names.empty()) return;
  notices.add(object.path() + ": " + printable(names) +
              ": not known of sentence-transformers; what it asks for is not done");
}

}  // namespace sapwood
