#include "model.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>
#include <pthread.h>

#include <atomic>
#include <string_view>

#include "sapwood/convert.h"
#include "sapwood/error.h"
#include "sapwood/inspect.h"
#include "sapwood/tasks.h"
#include "sapwood/threads.h"

namespace nb = nanobind;

namespace sapwood::python {
namespace {

// Calls under way. It changes only while its thread holds the interpreter's lock, as the thread that forks does.
std::atomic<int> calls{0};
// Forks of this process and of those it came from, and the last of them that happened while there were calls.
std::atomic<std::uint64_t> forks{0}, interrupted{0};

extern "C" void after_fork_in_child() {
  forks.fetch_add(1);
  if (calls.exchange(0) > 0) interrupted.store(forks.load());
}

std::string one_of(const EnumNames& names, int value) {
  return std::string(find_name(names, value));
}

template <HasNames E>
std::string name_of(E value) {
  return one_of(names_of(value), static_cast<int>(value));
}

nb::object sentence_facts(const Model& model) {
  const std::optional<SentenceConfig>& sentence = model.config().sentence;
  if (!sentence) return nb::none();
  nb::dict facts;
  nb::list poolings;
  for (const PoolingMode pooling : sentence->poolings) poolings.append(name_of(pooling));
  facts["poolings"] = poolings;
  facts["normalize"] = sentence->normalize;
  facts["prompts"] = sentence->prompts;
  facts["default_prompt_name"] = sentence->default_prompt_name;
  facts["similarity"] = name_of(sentence->similarity);
  facts["truncate_dim"] = sentence->truncate_dim;
  facts["pair_score"] =
      sentence->pair_score ? nb::cast(name_of(*sentence->pair_score)) : nb::none();
  facts["sparse"] = sentence->sparse.has_value();
  return facts;
}

// What Python needs to know of a model, once.
nb::dict facts(const ModelHandle& handle) {
  const Model model = handle.open();
  const ModelConfig& config = model.config();
  nb::dict facts;
  facts["path"] = model.path().string();
  facts["architecture"] = config.architecture;
  facts["head"] = name_of(config.head);
  facts["problem"] = name_of(config.problem);
  facts["labels"] = config.labels;
  facts["hidden"] = config.hidden;
  facts["max_length"] = model.max_length();
  facts["max_positions"] = config.max_positions > 0 ? config.max_positions : model.max_length();
  facts["notices"] = model.notices();
  facts["sentence"] = sentence_facts(model);
  const ModelInfo info = inspect(model);
  facts["dtype"] = info.dtype;
  facts["isa"] = info.isa;
  facts["format"] = info.format;
  facts["parameters"] = info.parameters;
  return facts;
}

ModelHandle load(const std::string& path, const LoadOptions& options) {
  const Released released;
  return ModelHandle(Model::load(path, options));
}

// What there is to know of the file that was written.
nb::dict convert_model(const std::string& path, const std::string& to, const std::string& dtype) {
  ConvertOptions options;
  options.dtype = from_string<WeightType>(dtype);
  ConvertReport report;
  {
    const Released released;
    report = convert(path, to, options);
  }
  nb::dict kept, facts;
  for (const ConvertReport::Product& product : report.products) {
    if (product.dtype != dtype) kept[product.name.c_str()] = product.dtype;
  }
  facts["kept"] = kept;
  facts["not_finite"] = report.not_finite;
  facts["notices"] = report.notices;
  return facts;
}

void bind_load_options(nb::module_& module) {
  nb::class_<LoadOptions>(module, "LoadOptions")
      .def(nb::init<>())
      .def_prop_rw(
          "isa", [](const LoadOptions& o) { return name_of(o.isa); },
          [](LoadOptions& o, const std::string& name) { o.isa = from_string<Isa>(name); })
      .def_prop_rw(
          "dtype", [](const LoadOptions& o) { return name_of(o.dtype); },
          [](LoadOptions& o, const std::string& name) { o.dtype = from_string<WeightType>(name); })
      .def_rw("copy_weights", &LoadOptions::copy_weights)
      .def_rw("threads", &LoadOptions::threads)
      .def_rw("batch_tokens", &LoadOptions::batch_tokens);
}

}  // namespace

ModelHandle::ModelHandle(Model model) : model_(std::move(model)), loaded_after_(forks.load()) {}

Model ModelHandle::open() const {
  if (!model_) throw Error(ErrorCode::invalid_argument, "the model is closed; load it again");
  if (loaded_after_ < interrupted.load()) {
    throw Error(ErrorCode::invalid_argument,
                "this process was forked while another thread was computing, and the model was "
                "loaded before that; load it after the fork");
  }
  return *model_;
}

Released::Released() {
  calls.fetch_add(1);
  state_ = PyEval_SaveThread();
}

Released::~Released() {
  PyEval_RestoreThread(state_);
  calls.fetch_sub(1);
}

void bind_model(nb::module_& module) {
  ::pthread_atfork(nullptr, nullptr, after_fork_in_child);
  bind_load_options(module);
  nb::class_<ModelHandle>(module, "Model")
      .def_static("load", load, nb::arg("path"), nb::arg("options"))
      .def("close", &ModelHandle::close, "Gives the memory back once no call is under way.")
      .def_prop_ro("closed", &ModelHandle::closed)
      .def("facts", facts, "What the model's files say, by name.");
  module.def(
      "find_model", [](const std::string& name) { return find_model(name).string(); },
      nb::arg("name"));
  module.def("list_models", [] {
    std::vector<std::string> names;
    for (const auto& path : list_models()) names.push_back(model_name(path));
    return names;
  });
  module.def("calls_under_way", [] { return calls.load(); });
  module.def("available_threads", available_threads);
  module.def("convert", convert_model, nb::arg("path"), nb::arg("to"), nb::arg("dtype"));
}

}  // namespace sapwood::python
