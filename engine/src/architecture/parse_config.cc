#include "architecture/parse_config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "architecture/family.h"
#include "base/quote.h"
#include "config/sentence.h"

namespace sapwood {
namespace {

// How many characters must be added, left out or changed (Levenshtein). Of long names the first characters count.
std::size_t distance(std::string_view a, std::string_view b) {
  constexpr std::size_t kMost = 64;
  a = a.substr(0, kMost);
  b = b.substr(0, kMost);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

const Family& read_family(const ConfigFields& fields) {
  const std::string_view type = fields.string("model_type");
  if (const Family* family = find_family(type)) return *family;
  std::string names;
  const Family* nearest = all_families().front();
  for (const Family* family : all_families()) {
    names += (names.empty() ? "" : ", ") + std::string(family->model_type);
    if (distance(type, family->model_type) < distance(type, nearest->model_type)) nearest = family;
  }
  fields.fail_at("model_type",
                 quote(type) + " is not supported; these are: " + names + " (the nearest name is " +
                     std::string(nearest->model_type) + ")",
                 ErrorCode::unsupported);
}

HeadKind read_head(const ConfigFields& fields, const Family& family) {
  if (!fields.has("architectures")) return HeadKind::none;
  const std::vector<JsonValue> list = fields.at("architectures").items();
  if (list.empty()) fields.fail_at("architectures", "expected a list with one class name");
  const std::string_view name = list.front().string();
  std::string classes;
  for (const HeadClass& head : family.heads) {
    const std::string known = std::string(family.class_prefix) + std::string(head.suffix);
    if (name == known) return head.kind;
    classes += (classes.empty() ? "" : ", ") + known;
  }
  fields.fail_at("architectures",
                 quote(name) + " is not supported for " + std::string(family.model_type) +
                     "; these are: " + classes,
                 ErrorCode::unsupported);
}

void read_problem_type(const ConfigFields& fields, ModelConfig& config) {
  if (!fields.has("problem_type")) return;
  const std::string_view type = fields.string("problem_type");
  if (type == "multi_label_classification") {
    config.problem = ProblemType::multi_label;
  } else if (type == "regression") {
    config.problem = ProblemType::regression;
  } else if (type != "single_label_classification") {
    fields.fail_at("problem_type", "unknown problem type " + quote(type), ErrorCode::unsupported);
  }
}

void read_labels(const ConfigFields& fields, ModelConfig& config) {
  if (!fields.has("id2label")) return;
  const JsonValue map = fields.at("id2label");
  if (!map.is_object()) map.expected("an object");
  const std::size_t count = map.size();
  config.labels.resize(count);
  std::vector<bool> seen(count, false);
  for (const JsonValue label : map.members()) {
    const std::string_view key = label.key();
    std::size_t id = count;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool number = error == std::errc{} && end == key.data() + key.size();
    if (!number || id >= count || seen[id]) {
      map.fail("expected the ids 0 to " + std::to_string(count - 1) + " once each, found " +
               quote(key));
    }
    seen[id] = true;
    config.labels[id] = label.string();
  }
}

bool is_entailment(std::string_view label) {
  constexpr std::string_view kName = "entail";
  return label.size() >= kName.size() &&
         std::equal(kName.begin(), kName.end(), label.begin(),
                    [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); });
}

// As ZeroShotClassificationPipeline.entailment_id: the first of label2id whose name begins so. Where label2id has none,
// id2label is asked, which some files have right alone.
void read_entailment(const ConfigFields& fields, ModelConfig& config) {
  if (fields.has("label2id") && fields.at("label2id").is_object()) {
    for (const JsonValue label : fields.at("label2id").members()) {
      const double id = label.is_number() ? label.number() : -1;
      if (!is_entailment(label.key()) || !(id >= 0 && id < kMaxWidth) || std::floor(id) != id)
        continue;
      config.entailment = static_cast<int>(id);
      return;
    }
  }
  const auto named = std::find_if(config.labels.begin(), config.labels.end(), is_entailment);
  if (named != config.labels.end()) {
    config.entailment = static_cast<int>(named - config.labels.begin());
  }
}

// The class of the tokenizer where it is one that the tokenizer's own files describe; any other is left to be told, because
// BertJapaneseTokenizer, for one, splits words by a program that is not here.
void read_tokenizer_class(const JsonValue& root, const ConfigFields& fields) {
  const auto value = root.find("tokenizer_class");
  if (!value || !value->is_string()) return;
  std::string_view name = value->string();
  if (name.ends_with("Fast")) name.remove_suffix(std::string_view("Fast").size());
  for (const std::string_view known : {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer",
                                       "XLMRobertaTokenizer", "CamembertTokenizer",
                                       "PreTrainedTokenizer", "TokenizersBackend"}) {
    if (name == known) fields.has("tokenizer_class");
  }
}

// What sentence-transformers' CrossEncoder makes of the logits: the sigmoid, or what the configuration names, since version
// 4 in an object of its own (CrossEncoder.get_default_activation_fn).
void read_pair_score(const ConfigFields& fields, ModelConfig& config, Notices* notices) {
  std::string_view function;
  constexpr const char* kOlder = "sbert_ce_default_activation_function";
  if (fields.has(kOlder)) function = fields.string(kOlder);
  if (fields.has("sentence_transformers")) {
    const JsonValue settings = fields.at("sentence_transformers");
    const auto newer = settings.find("activation_fn");
    if (newer && newer->is_string()) function = newer->string();
  }
  if (function.empty()) return;
  const std::optional<PairScore> score = parse_pair_score(function);
  if (score) {
    config.pair_score = *score;
  } else if (notices != nullptr && config.head == HeadKind::sequence_classification) {
    notices->add(unknown_pair_score(fields.path(), function));
  }
}

// In one sentence, because a file of another family's may have many.
void tell_unknown_keys(const JsonValue& root, const ConfigFields& fields, const Family& family,
                       Notices& notices) {
  const std::vector<std::string> keys = fields.unknown(family.harmless_keys);
  if (keys.empty()) return;
  std::string names;
  for (const std::string& key : keys) names += (names.empty() ? "" : ", ") + quote(key);
  notices.add(root.path() + ": " + std::string(family.model_type) +
              " models are not known to have " + printable(names) +
              "; what it asks for is not done");
}

}  // namespace

ModelConfig parse_config(const JsonValue& root, Notices* notices) {
  const ConfigFields fields(root);
  const Family& family = read_family(fields);
  ModelConfig config;
  config.architecture = family.model_type;
  config.head = read_head(fields, family);
  family.parse(fields, config);
  if (config.embedding_size == 0) config.embedding_size = config.hidden;
  read_problem_type(fields, config);
  read_labels(fields, config);
  read_entailment(fields, config);
  read_tokenizer_class(root, fields);
  read_pair_score(fields, config, notices);
  if (notices != nullptr) tell_unknown_keys(root, fields, family, *notices);
  return config;
}

}  // namespace sapwood
