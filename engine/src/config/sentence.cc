#include "config/sentence.h"

#include "base/quote.h"

namespace sapwood {
namespace {

constexpr int kMaxLength = 1 << 20;

PoolingMode parse_pooling(const JsonValue& fields) {
  if (!fields.is_object()) fields.expected("an object");
  if (fields.has("pooling_mode")) {  // the newer form
    const std::string_view mode = fields.string("pooling_mode");
    if (mode == "mean") return PoolingMode::mean;
    if (mode == "cls") return PoolingMode::cls;
    if (mode == "max") return PoolingMode::max;
    fields.fail_at("pooling_mode", "expected mean, cls or max, found " + quote(mode),
                   ErrorCode::unsupported);
  }
  std::optional<PoolingMode> pooling;
  const auto take = [&](const char* key, PoolingMode mode) {
    if (!fields.boolean(key, false)) return;
    if (pooling) {
      fields.fail_at(key, "several poolings at once are not supported", ErrorCode::unsupported);
    }
    pooling = mode;
  };
  take("pooling_mode_mean_tokens", PoolingMode::mean);
  take("pooling_mode_cls_token", PoolingMode::cls);
  take("pooling_mode_max_tokens", PoolingMode::max);
  for (const char* key : {"pooling_mode_mean_sqrt_len_tokens", "pooling_mode_weightedmean_tokens",
                          "pooling_mode_lasttoken"}) {
    if (fields.boolean(key, false)) {
      fields.fail_at(key, "only mean, cls and max pooling are supported", ErrorCode::unsupported);
    }
  }
  if (!pooling) fields.fail_at("pooling_mode_*", "no pooling is chosen");
  return *pooling;
}

std::optional<int> parse_max_length(const JsonValue& fields) {
  if (!fields.has("max_seq_length")) return std::nullopt;
  return fields.integer("max_seq_length", 1, kMaxLength);
}

// The module's configuration. It stands in the model's folder or in a folder of that with a usual
// name, so that whoever lists a model's files without reading modules.json (model_files does) finds
// it.
std::filesystem::path config_of(const JsonValue& module) {
  std::string_view folder = module.string("path", "1_Pooling");
  if (folder.ends_with('/')) folder.remove_suffix(1);
  if (folder.starts_with('.') || folder.find_first_of(std::string_view("/\0", 2)) != folder.npos) {
    module.fail_at("path", "expected a folder of the model, found " + quote(folder));
  }
  return std::filesystem::path(folder) / "config.json";
}

}  // namespace

JsonDocument read_json(const InputFile& file, Notices& notices) {
  JsonDocument json = JsonDocument::parse(file.read(kMaxConfigBytes), file.path().string());
  notices.add(json.doubled_key_notices());
  return json;
}

std::optional<SentenceConfig> read_sentence_config(const Folder& folder, Notices& notices) {
  const auto modules_file = folder.find("modules.json");
  if (!modules_file) return std::nullopt;
  const JsonDocument modules = read_json(*modules_file, notices);

  SentenceConfig sentence;
  for (const JsonValue module : modules.root().elements()) {
    const std::string_view type = module.string("type");
    const std::string_view kind = type.substr(type.rfind('.') + 1);
    if (kind == "Transformer") continue;
    if (kind == "Normalize") {
      sentence.normalize = true;
      continue;
    }
    if (kind != "Pooling") {
      module.fail_at(
          "type",
          "the module " + quote(type) + " is not supported; Transformer, Pooling and Normalize are",
          ErrorCode::unsupported);
    }
    const JsonDocument pooling = read_json(folder.at(config_of(module)), notices);
    sentence.pooling = parse_pooling(pooling.root());
  }
  sentence.max_seq_length = read_sentence_length(folder, notices);
  return sentence;
}

std::optional<int> read_sentence_length(const Folder& folder, Notices& notices) {
  if (!folder.find("modules.json")) return std::nullopt;
  const auto limits = folder.find("sentence_bert_config.json");
  if (!limits) return std::nullopt;
  const JsonDocument json = read_json(*limits, notices);
  if (!json.root().is_object()) json.root().expected("an object");
  return parse_max_length(json.root());
}

std::string to_json(const SentenceConfig& sentence) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().member("pooling_mode", to_string(sentence.pooling));
  writer.member("normalize", sentence.normalize);
  if (sentence.max_seq_length) writer.member("max_seq_length", *sentence.max_seq_length);
  writer.end();
  return out;
}

SentenceConfig sentence_from_json(const JsonValue& value) {
  SentenceConfig sentence;
  sentence.pooling = parse_pooling(value);
  sentence.normalize = value.boolean("normalize", false);
  sentence.max_seq_length = parse_max_length(value);
  return sentence;
}

}  // namespace sapwood
