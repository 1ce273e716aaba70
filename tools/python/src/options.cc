// The options of tasks, as the library has them: each field a property, enumerations by their names.
#include "options.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>

#include "sapwood/tasks.h"

namespace nb = nanobind;

namespace sapwood::python {
namespace {

using Name = std::optional<std::string>;

template <class S, HasNames E>
void choice(nb::class_<S>& options, const char* name, std::optional<E> S::*field) {
  options.def_prop_rw(
      name,
      [field](const S& o) { return o.*field ? Name(std::string(to_string(*(o.*field)))) : Name(); },
      [field](S& o, const Name& value) {
        o.*field = value ? std::optional<E>(from_string<E>(*value)) : std::nullopt;
      },
      nb::for_setter(nb::arg("value").none()));
}

template <class S, HasNames E>
void choice(nb::class_<S>& options, const char* name, E S::*field) {
  options.def_prop_rw(
      name, [field](const S& o) { return std::string(to_string(o.*field)); },
      [field](S& o, const std::string& value) { o.*field = from_string<E>(value); });
}

// LengthOptions, flat.
template <class S>
void length(nb::class_<S>& options) {
  options.def_prop_rw(
      "max_length", [](const S& o) { return o.length.max_length; },
      [](S& o, std::optional<int> value) { o.length.max_length = value; },
      nb::for_setter(nb::arg("value").none()));
  options.def_prop_rw(
      "truncation", [](const S& o) { return std::string(to_string(o.length.truncation)); },
      [](S& o, const std::string& value) { o.length.truncation = from_string<Truncation>(value); });
}

}  // namespace

void bind_options(nb::module_& module) {
  const auto none = nb::for_setter(nb::arg("value").none());
  nb::class_<EmbedOptions> embed(module, "EmbedOptions");
  embed.def(nb::init<>())
      .def_rw("normalize", &EmbedOptions::normalize, none)
      .def_rw("prompt", &EmbedOptions::prompt, none)
      .def_rw("prompt_name", &EmbedOptions::prompt_name, none)
      .def_rw("dimensions", &EmbedOptions::dimensions, none);
  choice(embed, "pooling", &EmbedOptions::pooling);
  length(embed);

  nb::class_<ClassifyOptions> classify(module, "ClassifyOptions");
  classify.def(nb::init<>()).def_rw("top_k", &ClassifyOptions::top_k);
  choice(classify, "function", &ClassifyOptions::function);
  length(classify);

  nb::class_<ZeroShotOptions> zero_shot(module, "ZeroShotOptions");
  zero_shot.def(nb::init<>())
      .def_rw("labels", &ZeroShotOptions::labels)
      .def_rw("hypothesis_template", &ZeroShotOptions::hypothesis_template)
      .def_rw("multi_label", &ZeroShotOptions::multi_label);
  length(zero_shot);

  nb::class_<NerOptions> ner(module, "NerOptions");
  ner.def(nb::init<>())
      .def_rw("ignore_labels", &NerOptions::ignore_labels)
      .def_rw("stride", &NerOptions::stride);
  choice(ner, "aggregation", &NerOptions::aggregation);
  length(ner);

  nb::class_<FillMaskOptions> fill_mask(module, "FillMaskOptions");
  fill_mask.def(nb::init<>())
      .def_rw("top_k", &FillMaskOptions::top_k)
      .def_rw("targets", &FillMaskOptions::targets);
  length(fill_mask);

  nb::class_<AnswerOptions>(module, "AnswerOptions")
      .def(nb::init<>())
      .def_rw("top_k", &AnswerOptions::top_k)
      .def_rw("max_answer_length", &AnswerOptions::max_answer_length)
      .def_rw("max_seq_length", &AnswerOptions::max_seq_length, none)
      .def_rw("stride", &AnswerOptions::stride, none)
      .def_rw("handle_impossible_answer", &AnswerOptions::handle_impossible_answer)
      .def_rw("align_to_words", &AnswerOptions::align_to_words);
}

}  // namespace sapwood::python
