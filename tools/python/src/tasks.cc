// The tasks: lists of str in, what the transformers pipelines answer out. An input that cannot be answered raises its error, which
// says which one it is. Each function gives its answers and how many inputs were cut to the limit.
#include "tasks.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model.h"
#include "sapwood/tasks.h"
#include "texts.h"

namespace nb = nanobind;

namespace sapwood::python {
namespace {

using Rows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

[[noreturn]] void throw_at(std::size_t i, std::size_t count, const Error& error) {
  if (count == 1) throw Error(error);
  throw Error(error.code(), "texts[" + std::to_string(i) + "]: " + error.what());
}

template <class Value>
bool is_truncated(const Value& value) {
  if constexpr (requires { value.truncated; }) return value.truncated;
  return false;
}

// The answers as to_python makes them of each value, and the number of inputs that were cut.
template <class Value, class ToPython>
nb::tuple answers(std::vector<Result<Value>>& results, const ToPython& to_python) {
  nb::list list;
  std::size_t truncated = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) throw_at(i, results.size(), results[i].error());
    Value value = std::move(results[i]).value();
    truncated += is_truncated(value) ? 1 : 0;
    list.append(to_python(std::move(value)));
  }
  return nb::make_tuple(list, truncated);
}

// The number of inputs that were cut.
std::size_t embed_rows(const ModelHandle& handle, nb::handle list, const Rows& out,
                       const EmbedOptions& options) {
  const TextPairs texts(list, nb::none());
  std::vector<Result<EmbeddedRow>> results;
  {
    const Call call(handle);
    results = embed_into(call.model(), texts.inputs(), {out.data(), out.size()}, options);
  }
  std::size_t truncated = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) throw_at(i, results.size(), results[i].error());
    truncated += results[i].value().truncated ? 1 : 0;
  }
  return truncated;
}

// Takes the floats over instead of copying them.
nb::object matrix(std::vector<float> values, int rows, int cols) {
  auto owned = std::make_unique<std::vector<float>>(std::move(values));
  float* const data = owned->data();
  const nb::capsule owner(owned.get(),
                          [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
  (void)owned.release();
  return Matrix(data, {static_cast<std::size_t>(rows), static_cast<std::size_t>(cols)}, owner)
      .cast();
}

// One array [tokens, width] a text.
nb::tuple embed_tokens(const ModelHandle& handle, nb::handle list, EmbedOptions options) {
  const TextPairs texts(list, nb::none());
  options.pooling = PoolingMode::none;
  std::vector<Result<Embedding>> results;
  {
    const Call call(handle);
    results = embed(call.model(), texts.inputs(), options);
  }
  return answers(results, [](Embedding value) {
    return matrix(std::move(value.values), value.rows, value.dim);
  });
}

nb::dict to_python(const LabelScore& label) {
  nb::dict dict;
  dict["label"] = label.label;
  dict["score"] = label.score;
  return dict;
}

nb::dict to_python(const Entity& entity, bool grouped) {
  nb::dict dict;
  dict[grouped ? "entity_group" : "entity"] = entity.entity;
  dict["score"] = entity.score;
  if (!grouped) dict["index"] = entity.index;
  dict["word"] = entity.word;
  dict["start"] = entity.start;
  dict["end"] = entity.end;
  return dict;
}

nb::dict to_python(const MaskFill& fill) {
  nb::dict dict;
  dict["score"] = fill.score;
  dict["token"] = fill.token;
  dict["token_str"] = fill.token_str;
  dict["sequence"] = fill.sequence;
  return dict;
}

nb::dict to_python(const Answer& answer) {
  nb::dict dict;
  dict["score"] = answer.score;
  dict["start"] = answer.start;
  dict["end"] = answer.end;
  dict["answer"] = answer.answer;
  return dict;
}

template <class T, class... More>
nb::list list_of(const std::vector<T>& values, More... more) {
  nb::list list;
  for (const T& value : values) list.append(to_python(value, more...));
  return list;
}

nb::tuple classify_texts(const ModelHandle& handle, nb::handle list, nb::handle pairs,
                         const ClassifyOptions& options) {
  const TextPairs texts(list, pairs);
  std::vector<Result<Classification>> results;
  {
    const Call call(handle);
    results = classify(call.model(), texts.inputs(), options);
  }
  return answers(results, [](const Classification& value) { return list_of(value.labels); });
}

// Each label's score, in the labels' own order: `out` is [texts, labels].
std::size_t score_rows(const ModelHandle& handle, nb::handle list, nb::handle pairs,
                       const Rows& out, ClassifyOptions options) {
  const TextPairs texts(list, pairs);
  options.top_k = 0;
  std::vector<Result<Classification>> results;
  {
    const Call call(handle);
    results = classify(call.model(), texts.inputs(), options);
  }
  if (out.shape(0) != results.size()) throw nb::value_error("out: expected a row for each text");
  std::size_t truncated = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) throw_at(i, results.size(), results[i].error());
    truncated += results[i].value().truncated ? 1 : 0;
    for (const LabelScore& label : results[i].value().labels) {
      const auto column = static_cast<std::size_t>(label.id);
      if (column >= out.shape(1)) throw nb::value_error("out: expected a column for each label");
      out.data()[i * out.shape(1) + column] = label.score;
    }
  }
  return truncated;
}

nb::tuple zero_shot_texts(const ModelHandle& handle, nb::handle list,
                          const ZeroShotOptions& options) {
  const Texts texts(list, "texts");
  std::vector<Result<Classification>> results;
  {
    const Call call(handle);
    results = zero_shot(call.model(), texts.views(), options);
  }
  return answers(results, [](const Classification& value) { return list_of(value.labels); });
}

nb::tuple ner_texts(const ModelHandle& handle, nb::handle list, const NerOptions& options) {
  const Texts texts(list, "texts");
  std::vector<Result<Entities>> results;
  {
    const Call call(handle);
    results = ner(call.model(), texts.views(), options);
  }
  const bool grouped = options.aggregation != Aggregation::none;
  return answers(results, [&](const Entities& value) { return list_of(value.entities, grouped); });
}

nb::tuple fill_mask_texts(const ModelHandle& handle, nb::handle list,
                          const FillMaskOptions& options) {
  const Texts texts(list, "texts");
  std::vector<Result<MaskFills>> results;
  {
    const Call call(handle);
    results = fill_mask(call.model(), texts.views(), options);
  }
  return answers(results, [](const MaskFills& value) {
    nb::list masks;
    for (const std::vector<MaskFill>& fills : value.masks) masks.append(list_of(fills));
    return masks;
  });
}

// Of each word: the id of the token that stands for it, and whether that is the word itself.
nb::list targets(const ModelHandle& handle, const std::vector<std::string>& words) {
  nb::list list;
  for (const MaskTarget& target : mask_targets(handle.open(), words)) {
    list.append(nb::make_tuple(target.token, target.exact));
  }
  return list;
}

nb::tuple answer_questions(const ModelHandle& handle, nb::handle questions, nb::handle contexts,
                           const AnswerOptions& options) {
  const TextPairs texts(questions, contexts);
  std::vector<QuestionInput> inputs;
  for (const TextInput& input : texts.inputs()) inputs.push_back({input.text, *input.pair});
  std::vector<Result<std::vector<Answer>>> results;
  {
    const Call call(handle);
    results = answer(call.model(), inputs, options);
  }
  return answers(results, [](const std::vector<Answer>& value) { return list_of(value); });
}

}  // namespace

void bind_tasks(nb::module_& module) {
  module.def(
      "embedding_size",
      [](const ModelHandle& handle, const EmbedOptions& options) {
        return embedding_size(handle.open(), options);
      },
      nb::arg("model"), nb::arg("options"));
  module.def("embed_rows", embed_rows, nb::arg("model"), nb::arg("texts"),
             nb::arg("out").noconvert(), nb::arg("options"));
  module.def("embed_tokens", embed_tokens, nb::arg("model"), nb::arg("texts"), nb::arg("options"));
  module.def("classify", classify_texts, nb::arg("model"), nb::arg("texts"),
             nb::arg("pairs").none(), nb::arg("options"));
  module.def("score_rows", score_rows, nb::arg("model"), nb::arg("texts"), nb::arg("pairs").none(),
             nb::arg("out").noconvert(), nb::arg("options"));
  module.def("zero_shot", zero_shot_texts, nb::arg("model"), nb::arg("texts"), nb::arg("options"));
  module.def("ner", ner_texts, nb::arg("model"), nb::arg("texts"), nb::arg("options"));
  module.def("fill_mask", fill_mask_texts, nb::arg("model"), nb::arg("texts"), nb::arg("options"));
  module.def("mask_targets", targets, nb::arg("model"), nb::arg("words"));
  module.def("answer", answer_questions, nb::arg("model"), nb::arg("questions"),
             nb::arg("contexts"), nb::arg("options"));
}

}  // namespace sapwood::python
