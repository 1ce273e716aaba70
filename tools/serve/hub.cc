// POST / : what the model's kind is asked for. Bodies are text-embeddings-inference's, and those of huggingface_hub's
// InferenceClient, which are told by their member `parameters`.
#include "base/json_writer.h"
#include "compute.h"
#include "routes.h"
#include "task_json.h"

namespace sapwood::serve {
namespace {

// Every window of a context may have so many answers, and every token is compared with so many labels.
constexpr int kMostAnswers = 1000;
constexpr std::size_t kMostIgnored = 1000;
constexpr std::size_t kMostTargets = 1000;
// Each text is computed with each of so many labels; their hypotheses together have so many bytes of the template.
constexpr std::size_t kMostCandidates = 1000;
constexpr std::size_t kMostTemplateBytes = std::size_t{1} << 20;

JsonValue parameters_of(const JsonValue& root) {
  return root.has("parameters") ? root.object("parameters") : root;
}

// Renders the answer of every job: alone as it is, of a list of inputs as a list.
template <class Value>
void render_each(Call& call, Jobs<Value> jobs, bool list) {
  call.plan.list = list;
  call.plan.render = [jobs = std::move(jobs), list] {
    std::string body;
    JsonWriter writer(body);
    if (list) writer.begin_array();
    for (const auto& job : jobs) write_json(writer, job->finish());
    if (list) writer.end();
    return json_response(std::move(body));
  };
}

// The texts of a task that takes no pairs.
std::vector<std::string_view> single_inputs(Call& call, bool& list) {
  const Inputs inputs = read_texts(call.root().at("inputs"));
  require_count(call, inputs.items.size(), "inputs");
  list = inputs.list;
  std::vector<std::string_view> texts;
  for (const InputText& item : inputs.items) {
    count_characters(call, item.text);
    texts.push_back(item.text);
  }
  return texts;
}

void plan_hub_zero_shot(Call& call, const JsonValue& parameters) {
  const auto labels = read_strings(parameters.at("candidate_labels"));
  ZeroShotOptions options{.labels = {labels.begin(), labels.end()},
                          .multi_label = parameters.boolean("multi_label", false)};
  options.hypothesis_template =
      parameters.string("hypothesis_template", options.hypothesis_template);
  options.length = length_options(call.options.auto_truncate);
  if (options.length.truncation != Truncation::none) {
    options.length.truncation = Truncation::only_first;
  }
  if (labels.size() > kMostCandidates ||
      labels.size() * options.hypothesis_template.size() > kMostTemplateBytes) {
    parameters.fail_at("candidate_labels", "expected at most " + std::to_string(kMostCandidates) +
                                               " labels, and fewer where hypothesis_template is "
                                               "long, found " +
                                               std::to_string(labels.size()));
  }
  bool list = false;
  const auto texts = single_inputs(call, list);
  const auto task = zero_shot_task(call.model->model, options);
  render_each(call, make_jobs<std::string_view, Classification>(call, *task, texts), list);
}

void plan_hub_classify(Call& call) {
  const JsonValue root = call.root();
  const JsonValue parameters = parameters_of(root);
  if (parameters.has("candidate_labels")) return plan_hub_zero_shot(call, parameters);
  const Inputs inputs = read_texts(root.at("inputs"));
  require_count(call, inputs.items.size(), "inputs");
  ClassifyOptions options{.top_k = parameters.integer("top_k", 1, 1 << 20, 0),
                          .length = length_options(call.options.auto_truncate)};
  if (parameters.has("function_to_apply")) {
    options.function = from_string<ScoreFunction>(parameters.string("function_to_apply"));
  }
  // A list even for one text, which is what the client takes apart.
  render_each(call, classify_jobs(call, inputs.items, options), true);
}

void plan_hub_ner(Call& call) {
  const JsonValue parameters = parameters_of(call.root());
  bool list = false;
  const auto texts = single_inputs(call, list);
  NerOptions options{.aggregation = Aggregation::simple,
                     .stride = parameters.integer("stride", 0, 1 << 20, 0),
                     .length = length_options(call.options.auto_truncate)};
  if (parameters.has("aggregation_strategy")) {
    options.aggregation = from_string<Aggregation>(parameters.string("aggregation_strategy"));
  }
  if (parameters.has("ignore_labels")) {
    const auto labels = read_strings(parameters.at("ignore_labels"));
    if (labels.size() > kMostIgnored) {
      parameters.fail_at("ignore_labels", "expected at most " + std::to_string(kMostIgnored) +
                                              " labels, found " + std::to_string(labels.size()));
    }
    options.ignore_labels.assign(labels.begin(), labels.end());
  }
  const auto task = ner_task(call.model->model, options);
  render_each(call, make_jobs<std::string_view, Entities>(call, *task, texts), list);
}

void plan_hub_fill_mask(Call& call) {
  const JsonValue parameters = parameters_of(call.root());
  bool list = false;
  const auto texts = single_inputs(call, list);
  FillMaskOptions options{.top_k = parameters.integer("top_k", 1, 1 << 20, 5),
                          .length = length_options(call.options.auto_truncate)};
  if (parameters.has("targets")) {
    const auto targets = read_strings(parameters.at("targets"));
    if (targets.empty() || targets.size() > kMostTargets) {
      parameters.fail_at("targets", "expected 1 to " + std::to_string(kMostTargets) +
                                        " words, found " + std::to_string(targets.size()));
    }
    options.targets.assign(targets.begin(), targets.end());
  }
  const auto task = fill_mask_task(call.model->model, options);
  auto jobs = make_jobs<std::string_view, MaskFills>(call, *task, texts);
  require_fills(jobs, options.top_k, call.model->model.config().vocab_size);
  render_each(call, std::move(jobs), list);
}

void plan_hub_answer(Call& call) {
  const JsonValue root = call.root();
  const JsonValue parameters = parameters_of(root);
  refuse_fields(parameters, {"max_question_len"});
  const JsonValue inputs = root.object("inputs");
  const QuestionInput input{inputs.string("question"), inputs.string("context")};
  AnswerOptions options;
  options.top_k = parameters.integer("top_k", 1, kMostAnswers, 1);
  options.max_answer_length = parameters.integer("max_answer_len", 1, 1 << 20, 15);
  options.handle_impossible_answer = parameters.boolean("handle_impossible_answer", false);
  options.align_to_words = parameters.boolean("align_to_words", true);
  if (parameters.has("max_seq_len")) {
    options.max_seq_length = parameters.integer("max_seq_len", 1, 1 << 20);
  }
  if (parameters.has("doc_stride")) {
    options.stride = parameters.integer("doc_stride", 0, 1 << 20);
  }
  count_characters(call, input.question);
  count_characters(call, input.context);
  const auto task = answer_task(call.model->model, options);
  const bool several = options.top_k > 1;
  render_each(call, make_jobs<QuestionInput, std::vector<Answer>>(call, *task, {&input, 1}),
              several);
}

}  // namespace

void plan_root(Call& call) {
  const JsonValue root = call.root();
  const bool hub = root.has("parameters");
  switch (call.model->kind) {
    case ModelKind::embedder: {
      const auto inputs = root.find("inputs");
      // The client sends those of embeddings beside the inputs.
      if (hub) {
        refuse_fields(root.object("parameters"), {"normalize", "dimensions", "prompt_name"});
      }
      return inputs && inputs->is_object() ? plan_similarity(call) : plan_embed(call);
    }
    case ModelKind::classifier:
      return hub ? plan_hub_classify(call) : plan_predict(call);
    case ModelKind::cross_encoder:
      if (root.has("query")) return plan_rerank(call);
      return hub ? plan_hub_classify(call) : plan_predict(call);
    case ModelKind::token_classifier:
      return plan_hub_ner(call);
    case ModelKind::fill_mask:
      return plan_hub_fill_mask(call);
    case ModelKind::question_answering:
      return plan_hub_answer(call);
  }
}

void plan_vertex(Call& call) {
  const JsonValue instances = call.body->root().at("instances");
  require_count(call, instances.items().size(), "instances");
  std::vector<std::function<HttpResponse()>> renders;
  for (const JsonValue instance : instances.elements()) {
    instance.members();  // throws where it is no object
    call.instance = instance;
    plan_root(call);
    require_count(call, call.plan.items, "instances");
    renders.push_back(std::move(call.plan.render));
  }
  call.instance.reset();
  call.plan.list = true;
  call.plan.render = [renders = std::move(renders)] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().key("predictions").begin_array();
    for (const auto& render : renders) writer.raw(render().body);
    writer.end().end();
    return json_response(std::move(body));
  };
}

}  // namespace sapwood::serve
