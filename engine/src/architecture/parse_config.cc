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

[[noreturn]] void refuse_family(const ConfigFields& fields, std::string_view type) {
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

// The first class that `architectures` names; empty where it names none.
std::string_view named_class(const ConfigFields& fields) {
  if (!fields.has("architectures")) return {};
  const JsonValue list = fields.at("architectures");
  if (!list.is_array()) list.expected("a list with one class name");
  return list.size() == 0 ? std::string_view() : list.items().front().string();
}

// Configurations of before 2020 have no model_type: a class tells the family, or keys that no other family has.
const Family* guess_family(const ConfigFields& fields) {
  const std::string_view name = named_class(fields);
  const Family* best = nullptr;
  for (const Family* family : all_families()) {
    if (!name.starts_with(family->class_prefix)) continue;
    if (best == nullptr || family->class_prefix.size() > best->class_prefix.size()) best = family;
  }
  if (best != nullptr || !name.empty()) return best;
  if (fields.has("dim") && fields.has("n_layers")) return find_family("distilbert");
  // Descendants of BERT that came without model_type have one type of tokens (RoBERTa), or other keys besides.
  const bool bert = fields.has("hidden_size") && fields.has("num_attention_heads") &&
                    fields.has("type_vocab_size") && fields.at("type_vocab_size").is_number() &&
                    fields.at("type_vocab_size").number() == 2 && !fields.has("embedding_size");
  return bert ? find_family("bert") : nullptr;
}

const Family& read_family(const ConfigFields& fields, Notices* notices) {
  if (fields.has("model_type")) {
    const std::string_view type = fields.string("model_type");
    if (const Family* family = find_family(type)) return *family;
    refuse_family(fields, type);
  }
  const Family* family = guess_family(fields);
  if (family == nullptr) {
    fields.fail_at("model_type",
                   "is missing, and nothing else there tells what model this is: add it");
  }
  if (notices != nullptr) {
    notices->add(fields.path() +
                 ": model_type is missing; by its other keys the model is taken for " +
                 std::string(family->model_type));
  }
  return *family;
}

bool is_number(std::string_view key, std::size_t& id) {
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  return error == std::errc{} && end == key.data() + key.size();
}

// A label's text. Data sets whose labels are numbers or truths leave them so in the configuration.
std::string label_text(const JsonValue& label) {
  if (label.is_number()) return std::string(label.number_text());
  if (label.is_boolean()) return label.boolean() ? "True" : "False";
  return std::string(label.string());
}

// Whether a checkpoint has the tensors that tell the head from others.
bool has_head(const Family& family, const HeadClass& head, const KnownWeights& weights) {
  const auto has = [&](const std::string& module) { return weights.has(module + ".weight"); };
  const std::string output(head.output), transform(head.transform);
  const std::string encoder = head.transform_in_encoder ? std::string(family.encoder_prefix) : "";
  if (!transform.empty() && !has(encoder + transform) && !has(transform)) return false;
  // The decoder of a masked-LM head may be the word embedding, which every model has.
  return has(output) || (head.kind == HeadKind::masked_lm && !transform.empty());
}

// The tags of token classification, where a label is nothing but its part of a group or begins with it ("B-PER").
bool has_tags(const ModelConfig& config) {
  return std::any_of(config.labels.begin(), config.labels.end(), [](const std::string& label) {
    return label.starts_with("B-") || label.starts_with("I-");
  });
}

HeadKind head_by_tensors(const Family& family, const ModelConfig& config,
                         const KnownWeights& weights) {
  if (weights.head) return *weights.head;
  if (!weights.has) return HeadKind::none;
  // A checkpoint that was trained further may keep the pooler and the head of before: what was trained last comes first.
  constexpr HeadKind kOrder[] = {HeadKind::question_answering, HeadKind::sequence_classification,
                                 HeadKind::token_classification, HeadKind::replaced_token_detection,
                                 HeadKind::masked_lm};
  for (const HeadKind kind : kOrder) {
    if (kind == HeadKind::sequence_classification && has_tags(config)) continue;
    for (const HeadClass& head : family.heads) {
      if (head.kind == kind && has_head(family, head, weights)) return kind;
    }
  }
  return HeadKind::none;
}

HeadKind read_head(const ConfigFields& fields, const Family& family, const ModelConfig& config,
                   const KnownWeights& weights, Notices* notices) {
  std::string_view name = named_class(fields);
  std::string what = "names no class";
  if (!name.empty()) {
    what = "names the class " + quote(name) + ", which is not known for " +
           std::string(family.model_type);
    const bool own = name.starts_with(family.class_prefix);
    if (own) name.remove_prefix(family.class_prefix.size());
    for (const HeadClass& head : family.heads) {
      if (own && name == head.suffix) return head.kind;
    }
  }
  // Their classifiers judge a choice beside others, or what follows a text: no task here asks that.
  const bool other = name == "ForMultipleChoice" || name == "ForNextSentencePrediction";
  const HeadKind head = other ? HeadKind::none : head_by_tensors(family, config, weights);
  const bool told = notices != nullptr && (!name.empty() || head != HeadKind::none);
  if (told && (weights.has || weights.head)) {
    notices->add(fields.path() + ": architectures " + what + "; " +
                 (head == HeadKind::none ? "the model is loaded as an encoder without a head"
                                         : "by its tensors the model has a " +
                                               std::string(to_string(head)) + " head"));
  }
  return head;
}

void read_problem_type(const ConfigFields& fields, ModelConfig& config, Notices* notices) {
  if (!fields.has("problem_type")) return;
  const std::string_view type = fields.string("problem_type");
  if (type == "multi_label_classification") {
    config.problem = ProblemType::multi_label;
  } else if (type == "regression") {
    config.problem = ProblemType::regression;
  } else if (type != "single_label_classification" && notices != nullptr) {
    notices->add(
        fields.path() + ": problem_type " + quote(type) +
        " is none that is known; scores are a softmax of several labels and the sigmoid of one");
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
    if (!is_number(key, id) || id >= count || seen[id]) {
      map.fail("expected the ids 0 to " + std::to_string(count - 1) + " once each, found " +
               quote(key));
    }
    seen[id] = true;
    config.labels[id] = label_text(label);
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

// Code of the repository's own is never run. That is what transformers does with a model_type that it has, too, unless
// it is told to trust the code.
void tell_remote_code(const ConfigFields& fields, const Family& family, Notices* notices) {
  if (!fields.has("auto_map") || notices == nullptr) return;
  notices->add(
      fields.path() +
      ": auto_map names code of the repository's own, which is not run; the model is computed as " +
      std::string(family.model_type) + ", as transformers does without trust_remote_code");
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

const Family& family_of_config(const JsonValue& config) {
  return read_family(ConfigFields(config), nullptr);
}

ModelConfig parse_config(const JsonValue& root, Notices* notices, const KnownWeights& weights) {
  const ConfigFields fields(root);
  const Family& family = read_family(fields, notices);
  ModelConfig config;
  config.architecture = family.model_type;
  read_labels(fields, config);
  config.head = read_head(fields, family, config, weights, notices);
  family.parse(fields, config);
  if (config.embedding_size == 0) config.embedding_size = config.hidden;
  read_problem_type(fields, config, notices);
  read_entailment(fields, config);
  fields.has("tokenizer_class");  // the tokenizer reads it
  tell_remote_code(fields, family, notices);
  read_pair_score(fields, config, notices);
  if (notices != nullptr) tell_unknown_keys(root, fields, family, *notices);
  return config;
}

}  // namespace sapwood
