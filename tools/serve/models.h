// The models that are served, by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app_options.h"
#include "sapwood/model.h"
#include "sapwood/scheduler.h"

namespace sapwood::serve {

// What a model answers.
enum class ModelKind : std::uint8_t {
  embedder,
  classifier,
  cross_encoder,
  token_classifier,
  fill_mask,
  question_answering,
};

// A model that the scheduler knows for as long as somebody holds this.
class ServedModel {
 public:
  ServedModel(ModelSource source, const LoadOptions& load, Scheduler& scheduler);
  ServedModel(const ServedModel&) = delete;
  ServedModel& operator=(const ServedModel&) = delete;
  ~ServedModel();

  const ModelSource source;
  const Model model;
  const ModelKind kind;
  const std::string dtype;    // of the weights
  const std::int64_t loaded;  // seconds since 1970

  const std::string& name() const { return source.name; }

 private:
  Scheduler& scheduler_;
};

using ServedModelPtr = std::shared_ptr<const ServedModel>;

// Never empty; the first is the one that requests get that name none.
struct ModelSet {
  std::vector<ServedModelPtr> models;

  // Null where no model has the name. (":latest", which Ollama's clients add, is passed over.)
  ServedModelPtr find(std::string_view name) const;
  // find(), which must succeed: throws ApiError unknown_model listing the names.
  ServedModelPtr at(std::string_view name) const;
};

// Throws Error as make_app.
std::shared_ptr<const ModelSet> load_models(const AppOptions& options, const LoadOptions& load,
                                            Scheduler& scheduler);

std::string_view to_string(ModelKind kind) noexcept;  // "embedding", "classifier", ...

}  // namespace sapwood::serve
