#include "models.h"

#include <algorithm>
#include <ctime>
#include <filesystem>

#include "base/quote.h"
#include "problem.h"
#include "sapwood/inspect.h"
#include "sapwood/tasks.h"

namespace sapwood::serve {
namespace {

ModelKind kind_of(const ModelConfig& config) {
  switch (config.head) {
    case HeadKind::sequence_classification:
      return config.labels.size() == 1 && config.problem != ProblemType::multi_label
                 ? ModelKind::cross_encoder
                 : ModelKind::classifier;
    case HeadKind::token_classification:
      return ModelKind::token_classifier;
    case HeadKind::question_answering:
      return ModelKind::question_answering;
    case HeadKind::masked_lm:
      // sentence-transformers directories may be made from any checkpoint.
      return config.sentence && !config.sentence->sparse ? ModelKind::embedder
                                                         : ModelKind::fill_mask;
    case HeadKind::replaced_token_detection:
    case HeadKind::none:
      break;
  }
  return ModelKind::embedder;
}

Model load_tokenizing(const std::string& path, const LoadOptions& load) {
  Model model = Model::load(find_model(path), load);
  model.tokenizer();  // throws where there is none
  // A classifier must not become an embedder, least of all when it is loaded again.
  const ModelConfig& config = model.config();
  const HeadKind missing = config.missing_head;
  if (missing != HeadKind::none && missing != HeadKind::masked_lm &&
      missing != HeadKind::replaced_token_detection) {
    throw Error(ErrorCode::mismatch, model.path().string() + ": config.json names a model with a " +
                                         std::string(to_string(missing)) + " head, but " +
                                         config.missing_head_reason + ": give a whole checkpoint");
  }
  // Throws where the model's files ask for vectors that are not computed.
  if (kind_of(config) == ModelKind::embedder) embedding_size(model);
  return model;
}

void require_usable(const ModelSource& source) {
  const bool plain = std::all_of(source.name.begin(), source.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/' || c == ':' || c == '@';
  });
  if (plain && !source.name.empty() && !source.path.empty() && source.name.front() != '/') return;
  throw Error(ErrorCode::invalid_argument,
              "model " + quote(source.name + "=" + source.path) +
                  ": expected NAME=PATH with a name of letters, digits and -_./:@");
}

}  // namespace

ModelSource parse_model_source(std::string_view text) {
  const std::size_t equals = text.find('=');
  ModelSource source;
  if (equals != text.npos) {
    source = {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  } else {
    source = {model_name(std::filesystem::path(text)), std::string(text)};
  }
  require_usable(source);
  return source;
}

ServedModel::ServedModel(ModelSource from, const LoadOptions& load, Scheduler& scheduler)
    : source(std::move(from)),
      model(load_tokenizing(source.path, load)),
      kind(kind_of(model.config())),
      dtype(inspect(model).dtype),
      loaded(static_cast<std::int64_t>(std::time(nullptr))),
      scheduler_(scheduler) {
  scheduler_.add(model);
}

ServedModel::~ServedModel() {
  try {
    scheduler_.remove(model);
  } catch (const Error&) {
    // Without memory for it the scheduler keeps the model.
  }
}

ServedModelPtr ModelSet::find(std::string_view name) const {
  constexpr std::string_view kLatest = ":latest";
  for (const ServedModelPtr& each : models) {
    if (each->name() == name) return each;
  }
  if (!name.ends_with(kLatest)) return nullptr;
  return find(name.substr(0, name.size() - kLatest.size()));
}

ServedModelPtr ModelSet::at(std::string_view name) const {
  if (ServedModelPtr found = find(name)) return found;
  std::string names;
  for (const ServedModelPtr& each : models) {
    names += (names.empty() ? "" : ", ") + each->name();
  }
  throw ApiError(Problem::unknown_model,
                 "no model is called " + quote(name) + "; there is: " + names);
}

std::shared_ptr<const ModelSet> load_models(const AppOptions& options, const LoadOptions& load,
                                            Scheduler& scheduler) {
  if (options.models.empty()) {
    throw Error(ErrorCode::invalid_argument, "no model is given: name one with --model NAME=PATH");
  }
  auto set = std::make_shared<ModelSet>();
  for (const ModelSource& source : options.models) {
    require_usable(source);
    if (set->find(source.name) != nullptr) {
      throw Error(ErrorCode::invalid_argument,
                  "two models are called " + quote(source.name) + ": give one another name");
    }
    set->models.push_back(std::make_shared<const ServedModel>(source, load, scheduler));
  }
  return set;
}

std::string_view to_string(ModelKind kind) noexcept {
  switch (kind) {
    case ModelKind::embedder:
      return "embedding";
    case ModelKind::classifier:
      return "classifier";
    case ModelKind::cross_encoder:
      return "reranker";
    case ModelKind::token_classifier:
      return "token_classifier";
    case ModelKind::fill_mask:
      return "fill_mask";
    case ModelKind::question_answering:
      return "question_answering";
  }
  return "";
}

}  // namespace sapwood::serve
