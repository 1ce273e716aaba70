// What sentence-transformers' files say, as a converted file carries it.
#include "base/quote.h"
#include "config/fields.h"
#include "config/poolings.h"
#include "config/sentence.h"

namespace sapwood {
namespace {

constexpr std::size_t kMostModules = 64;

// Whether an older version, which knows one pooling, a norm and a length, makes the same vectors.
bool is_simple(const SentenceConfig& sentence) {
  return sentence.poolings.size() == 1 && sentence.include_prompt && sentence.modules.empty() &&
         !sentence.truncate_dim && sentence.prompts.empty() && !sentence.pair_score &&
         !sentence.lower_case && sentence.similarity == Similarity::cosine &&
         sentence.unsupported.empty() && !sentence.sparse && sentence.token_modules.empty();
}

// By its name, of a value that has one. Throws Error malformed.
template <HasNames E>
E named(const JsonValue& object, std::string_view key) {
  const std::string_view name = object.string(key);
  for (const NamedValue& each : names_of(E{}).values) {
    if (each.name == name) return static_cast<E>(each.value);
  }
  object.fail_at(key, "unknown name " + quote(name));
}

void write_modules(JsonWriter& writer, const char* key, const std::vector<VectorModule>& modules) {
  writer.key(key).begin_array();
  for (const VectorModule& module : modules) {
    writer.begin_object();
    if (module.kind == VectorModuleKind::dense) {
      writer.member("type", "dense").member("path", module.path);
      writer.member("in_features", module.in).member("out_features", module.out);
      writer.member("bias", module.bias).member("use_residual", module.residual);
      writer.member("activation_function", to_string(module.activation));
    } else {
      writer.member("type", "normalize");
    }
    writer.end();
  }
  writer.end();
}

VectorModule read_module(const JsonValue& value) {
  VectorModule module;
  const std::string_view type = value.string("type");
  if (type == "normalize") return module;
  if (type != "dense") value.fail_at("type", "unknown module " + quote(type));
  module.kind = VectorModuleKind::dense;
  module.path = value.string("path");
  module.in = value.integer("in_features", 1, kMaxPooled);
  module.out = value.integer("out_features", 1, kMaxWidth);
  module.bias = value.boolean("bias", true);
  module.residual = value.boolean("use_residual", false);
  module.activation = named<Activation>(value, "activation_function");
  return module;
}

std::vector<VectorModule> read_modules(const JsonValue& value, const char* key) {
  std::vector<VectorModule> modules;
  if (!value.has(key)) return modules;
  for (const JsonValue module : value.at(key).elements()) {
    if (modules.size() == kMostModules) module.fail("there are too many modules");
    modules.push_back(read_module(module));
  }
  return modules;
}

void write_sparse(JsonWriter& writer, const SparseConfig& sparse) {
  writer.key("sparse").begin_object().member("sum", sparse.sum);
  writer.member("log_twice", sparse.log_twice).member("query_path", sparse.query_path);
  writer.member("default_route", to_string(sparse.default_route));
  if (sparse.max_active_dims) writer.member("max_active_dims", *sparse.max_active_dims);
  writer.end();
}

SparseConfig read_sparse(const JsonValue& value) {
  SparseConfig sparse;
  sparse.sum = value.boolean("sum", false);
  sparse.log_twice = value.boolean("log_twice", false);
  sparse.query_path = value.string("query_path", "");
  sparse.default_route = named<Route>(value, "default_route");
  if (value.has("max_active_dims")) {
    sparse.max_active_dims = value.integer("max_active_dims", 1, kMaxVocabulary);
  }
  return sparse;
}

}  // namespace

std::string to_json(const SentenceConfig& sentence) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  const bool simple = is_simple(sentence);
  if (simple) {
    writer.member("pooling_mode", to_string(sentence.poolings[0]));
  } else {
    // A list: versions that would pass over one of the keys below refuse it.
    writer.key("pooling_mode").begin_array();
    for (const PoolingMode mode : sentence.poolings) writer.value(to_string(mode));
    writer.end();
  }
  writer.member("normalize", sentence.normalize);
  if (sentence.max_seq_length) writer.member("max_seq_length", *sentence.max_seq_length);
  if (!simple) {
    writer.member("include_prompt", sentence.include_prompt);
    writer.member("do_lower_case", sentence.lower_case);
    write_modules(writer, "modules", sentence.modules);
    write_modules(writer, "token_modules", sentence.token_modules);
    if (sentence.sparse) write_sparse(writer, *sentence.sparse);
    if (sentence.truncate_dim) writer.member("truncate_dim", *sentence.truncate_dim);
    writer.key("prompts").begin_object();
    for (const auto& [name, text] : sentence.prompts) writer.member(name, text);
    writer.end().member("default_prompt_name", sentence.default_prompt_name);
    writer.member("similarity_fn_name", to_string(sentence.similarity));
    if (sentence.pair_score) writer.member("activation_fn", to_string(*sentence.pair_score));
    if (!sentence.unsupported.empty()) writer.member("unsupported", sentence.unsupported);
  }
  writer.end();
  return out;
}

SentenceConfig sentence_from_json(const JsonValue& value) {
  if (!value.is_object()) value.expected("an object");
  SentenceConfig sentence;
  sentence.poolings = parse_poolings(value);
  sentence.normalize = value.boolean("normalize", false);
  if (value.has("max_seq_length")) {
    sentence.max_seq_length = value.integer("max_seq_length", 1, kMaxSentenceLength);
  }
  sentence.include_prompt = value.boolean("include_prompt", true);
  sentence.lower_case = value.boolean("do_lower_case", false);
  sentence.modules = read_modules(value, "modules");
  sentence.token_modules = read_modules(value, "token_modules");
  if (value.has("sparse")) sentence.sparse = read_sparse(value.object("sparse"));
  if (value.has("truncate_dim")) {
    sentence.truncate_dim = value.integer("truncate_dim", 1, kMaxPooled);
  }
  if (value.has("prompts")) {
    for (const JsonValue prompt : value.object("prompts").members()) {
      sentence.prompts[std::string(prompt.key())] = prompt.string();
    }
  }
  sentence.default_prompt_name = value.string("default_prompt_name", "");
  if (value.has("similarity_fn_name")) {
    sentence.similarity = named<Similarity>(value, "similarity_fn_name");
  }
  if (value.has("activation_fn")) sentence.pair_score = named<PairScore>(value, "activation_fn");
  sentence.unsupported = value.string("unsupported", "");
  return sentence;
}

}  // namespace sapwood
