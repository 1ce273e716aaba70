// KServe v2 (Open Inference Protocol): what is served, and inference.
#include "base/json_writer.h"
#include "compute.h"
#include "kserve_tensors.h"
#include "routes.h"
#include "sapwood/version.h"
#include "task_json.h"

namespace sapwood::serve {
namespace {

void write_tensor(JsonWriter& writer, std::string_view name, std::string_view type, int columns) {
  writer.begin_object().member("name", name).member("datatype", type);
  writer.key("shape").begin_array().value(-1);
  if (columns > 0) writer.value(columns);
  writer.end().end();
}

void render_state(Call& call, std::string_view name, bool state) {
  call.plan.render = [name, state] {
    std::string body;
    JsonWriter(body).begin_object().member(name, state).end();
    HttpResponse response = json_response(std::move(body));
    if (!state) response.status = status_of(Problem::unready);
    return response;
  };
}

void infer_embeddings(Call& call, const TensorNames& names, std::span<const InputText> items,
                      bool bytes) {
  const EmbedWish wish{.normalize = std::nullopt,
                       .length = length_options(call.options.auto_truncate)};
  const Embedder embedder(call, items, wish);
  call.plan.render = [&call, names, embedder, bytes] {
    OutputTensor output;
    for (const Embedding& each : embedder.finish()) {
      output.numbers.insert(output.numbers.end(), each.values.begin(), each.values.end());
      ++output.rows;
    }
    return kserve_response(call, names, output, bytes);
  };
}

void infer_logits(Call& call, const TensorNames& names, std::span<const InputText> items,
                  bool bytes) {
  const auto jobs = classify_jobs(call, items,
                                  {.top_k = 0,
                                   .function = ScoreFunction::none,
                                   .length = length_options(call.options.auto_truncate)});
  call.plan.render = [&call, names, jobs, bytes] {
    OutputTensor output;
    const auto columns = static_cast<std::size_t>(names.columns);
    for (const auto& job : jobs) {
      output.numbers.resize(++output.rows * columns);
      float* const row = output.numbers.data() + (output.rows - 1) * columns;
      for (const LabelScore& each : job->finish().labels) row[each.id] = each.score;
    }
    return kserve_response(call, names, output, bytes);
  };
}

template <class Value>
void infer_texts(Call& call, const TensorNames& names, Jobs<Value> jobs, bool bytes) {
  call.plan.render = [&call, names, jobs = std::move(jobs), bytes] {
    OutputTensor output;
    output.rows = jobs.size();
    for (const auto& job : jobs) {
      JsonWriter writer(output.texts.emplace_back());
      write_json(writer, job->finish());
    }
    return kserve_response(call, names, output, bytes);
  };
}

}  // namespace

void plan_kserve_server(Call& call) {
  call.plan.render = [] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().member("name", "sapwood").member("version", version());
    writer.key("extensions").begin_array().value("binary_tensor_data").end().end();
    return json_response(std::move(body));
  };
}

void plan_kserve_live(Call& call) { render_state(call, "live", true); }

void plan_kserve_ready(Call& call) { render_state(call, "ready", !call.draining); }

void plan_kserve_model(Call& call) {
  std::string body;
  JsonWriter writer(body);
  const TensorNames names = tensor_names(*call.model);
  writer.begin_object().member("name", call.model->name());
  writer.key("versions").begin_array().value("1").end().member("platform", "sapwood");
  writer.key("inputs").begin_array();
  for (const std::string_view name : names.inputs) write_tensor(writer, name, "BYTES", 0);
  writer.end().key("outputs").begin_array();
  write_tensor(writer, names.output, names.numbers ? "FP32" : "BYTES", names.columns);
  writer.end().end();
  call.plan.render = [body] { return json_response(body); };
}

void plan_kserve_model_ready(Call& call) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().member("name", call.model->name()).member("ready", !call.draining).end();
  call.plan.render = [body, ready = !call.draining] {
    HttpResponse response = json_response(body);
    if (!ready) response.status = status_of(Problem::unready);
    return response;
  };
}

void plan_kserve_infer(Call& call) {
  const TensorNames names = tensor_names(*call.model);
  const JsonValue root = call.root();
  root.string("id", "");  // echoed in the answer
  const bool bytes = wants_bytes(root, names);
  const auto texts = read_text_tensors(call, names);
  const Model& model = call.model->model;
  const LengthOptions length = length_options(call.options.auto_truncate);
  call.plan.list = true;
  std::vector<InputText> items;
  for (std::size_t i = 0; i < texts[0].size(); ++i) {
    items.push_back({texts[0][i]});
    if (texts.size() > 1 && !texts[1].empty()) items.back().pair = texts[1][i];
  }
  switch (call.model->kind) {
    case ModelKind::embedder:
      return infer_embeddings(call, names, items, bytes);
    case ModelKind::classifier:
    case ModelKind::cross_encoder:
      return infer_logits(call, names, items, bytes);
    case ModelKind::token_classifier: {
      const auto task = ner_task(model, {.aggregation = Aggregation::simple, .length = length});
      return infer_texts(call, names,
                         make_jobs<std::string_view, Entities>(call, *task, std::span(texts[0])),
                         bytes);
    }
    case ModelKind::fill_mask: {
      const FillMaskOptions options{.length = length};
      const auto task = fill_mask_task(model, options);
      auto jobs = make_jobs<std::string_view, MaskFills>(call, *task, std::span(texts[0]));
      require_fills(jobs, options.top_k, model.config().vocab_size);
      return infer_texts(call, names, std::move(jobs), bytes);
    }
    case ModelKind::question_answering: {
      std::vector<QuestionInput> questions;
      for (const InputText& item : items) questions.push_back({item.text, *item.pair});
      const auto task = answer_task(model);
      return infer_texts(
          call, names,
          make_jobs<QuestionInput, std::vector<Answer>>(call, *task, std::span(questions)), bytes);
    }
  }
}

}  // namespace sapwood::serve
