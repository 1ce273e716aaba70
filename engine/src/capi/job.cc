// Jobs of the C API.
#include <algorithm>
#include <cstring>

#include "capi/handles.h"
#include "tasks/answer_all.h"

using namespace sapwood;

namespace sapwood::capi {
namespace {

using Item = Answer::Item;

Answer to_answer(Classification value) {
  Answer answer{.truncated = value.truncated};
  for (LabelScore& label : value.labels) {
    answer.items.push_back(
        {.score = label.score, .label = label.id, .name = std::move(label.label)});
  }
  return answer;
}

Answer to_answer(Embedding value) {
  return {.vector = std::move(value.values), .truncated = value.truncated};
}

Answer to_answer(SparseEmbedding value) {
  Answer answer{.truncated = value.truncated};
  for (const SparseValue& each : value.values) {
    answer.items.push_back({.score = each.value, .token = each.index});
  }
  return answer;
}

Answer to_answer(Entities value) {
  Answer answer{.truncated = value.truncated};
  for (Entity& entity : value.entities) {
    answer.items.push_back({.score = entity.score,
                            .label = entity.label_id,
                            .token = entity.index,
                            .start = static_cast<std::size_t>(entity.start),
                            .end = static_cast<std::size_t>(entity.end),
                            .name = std::move(entity.entity),
                            .text = std::move(entity.word)});
  }
  return answer;
}

Answer to_answer(MaskFills value) {
  Answer answer{.truncated = value.truncated};
  for (std::size_t mask = 0; mask < value.masks.size(); ++mask) {
    for (MaskFill& fill : value.masks[mask]) {
      answer.items.push_back({.score = fill.score,
                              .token = fill.token,
                              .mask = static_cast<int>(mask),
                              .name = std::move(fill.token_str),
                              .text = std::move(fill.sequence)});
    }
  }
  return answer;
}

Answer to_answer(std::vector<sapwood::Answer> value) {
  Answer answer;
  for (sapwood::Answer& each : value) {
    answer.items.push_back({.score = each.score,
                            .start = static_cast<std::size_t>(each.start),
                            .end = static_cast<std::size_t>(each.end),
                            .text = std::move(each.answer)});
  }
  return answer;
}

template <class Value>
class OneJob final : public AnyJob {
 public:
  explicit OneJob(std::unique_ptr<Job<Value>> job) : job_(std::move(job)) {}
  TaskJob& job() const override { return *job_; }
  Answer finish() override { return to_answer(job_->finish()); }

 private:
  std::unique_ptr<Job<Value>> job_;
};

// Seven parameters, because six are those of every public function that makes a job.
// `make` gives the Result of a task's job() for the texts that the new job keeps.
template <class Make>
sapwood_status make_job(const sapwood_model* model, sapwood_text first, const sapwood_text* second,
                        const sapwood_task_options* options, sapwood_job** job,
                        sapwood_error* error, const Make& make) {
  return guarded(error, [&] {
    require(model, "model");
    require(job, "job");
    auto made = std::make_shared<JobState>();
    made->first = view(first, "text");
    if (second != nullptr) made->second = view(*second, "second text");
    EncodeScratch scratch;
    auto result = make(*made, read_options(options, sapwood_task_options_init), scratch);
    auto one = std::move(result).value();
    using Value = decltype(one->finish());
    made->task = std::make_unique<OneJob<Value>>(std::move(one));
    *job = new sapwood_job{std::move(made)};
  });
}

ZeroShotOptions zero_shot_options(const sapwood_zero_shot_options& given,
                                  const sapwood_task_options& options) {
  const sapwood_zero_shot_options ask = read_options(&given, sapwood_zero_shot_options_init);
  ZeroShotOptions zero_shot{.multi_label = ask.multi_label != 0,
                            .top_k = options.top_k,
                            .length = length_options(options)};
  require_texts(ask.labels, ask.count, "labels");
  for (std::size_t i = 0; i < ask.count; ++i) {
    zero_shot.labels.emplace_back(view(ask.labels[i], "labels"));
  }
  if (ask.hypothesis_template != nullptr) zero_shot.hypothesis_template = ask.hypothesis_template;
  // What the options say where nobody chose.
  if (zero_shot.length.truncation == Truncation::longest_first) {
    zero_shot.length.truncation = Truncation::only_first;
  }
  return zero_shot;
}

TextInput text_input(const JobState& job, bool pair) {
  TextInput input{job.first};
  if (pair) input.pair = job.second;
  return input;
}

}  // namespace
}  // namespace sapwood::capi

sapwood_status sapwood_classify_job(const sapwood_model* model, sapwood_text text,
                                    const sapwood_text* pair, const sapwood_task_options* options,
                                    sapwood_job** job, sapwood_error* error) {
  return capi::make_job(
      model, text, pair, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        return classify_task(model->model, capi::classify_options(read))
            ->job(capi::text_input(made, pair != nullptr), scratch);
      });
}

sapwood_status sapwood_zero_shot_job(const sapwood_model* model, sapwood_text text,
                                     const sapwood_zero_shot_options* labels,
                                     const sapwood_task_options* options, sapwood_job** job,
                                     sapwood_error* error) {
  return capi::make_job(
      model, text, nullptr, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        capi::require(labels, "labels");
        return zero_shot_task(model->model, capi::zero_shot_options(*labels, read))
            ->job(std::string_view(made.first), scratch);
      });
}

sapwood_status sapwood_embed_job(const sapwood_model* model, sapwood_text text,
                                 const sapwood_text* pair, const sapwood_task_options* options,
                                 sapwood_job** job, sapwood_error* error) {
  return capi::make_job(
      model, text, pair, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        return embed_task(model->model, capi::embed_options(read))
            ->job(capi::text_input(made, pair != nullptr), scratch);
      });
}

sapwood_status sapwood_sparse_embed_job(const sapwood_model* model, sapwood_text text,
                                        const sapwood_task_options* options, sapwood_job** job,
                                        sapwood_error* error) {
  return capi::make_job(
      model, text, nullptr, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        return sparse_embed_task(model->model, capi::sparse_options(read))
            ->job(capi::text_input(made, false), scratch);
      });
}

sapwood_status sapwood_ner_job(const sapwood_model* model, sapwood_text text,
                               const sapwood_task_options* options, sapwood_job** job,
                               sapwood_error* error) {
  return capi::make_job(
      model, text, nullptr, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        NerOptions ner{.stride = read.stride, .length = capi::length_options(read)};
        if (read.aggregation != nullptr)
          ner.aggregation = from_string<Aggregation>(read.aggregation);
        return ner_task(model->model, ner)->job(std::string_view(made.first), scratch);
      });
}

sapwood_status sapwood_fill_mask_job(const sapwood_model* model, sapwood_text text,
                                     const sapwood_task_options* options, sapwood_job** job,
                                     sapwood_error* error) {
  return capi::make_job(
      model, text, nullptr, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        FillMaskOptions fill{.length = capi::length_options(read)};
        if (read.top_k != 0) fill.top_k = read.top_k;
        return fill_mask_task(model->model, fill)->job(std::string_view(made.first), scratch);
      });
}

sapwood_status sapwood_answer_job(const sapwood_model* model, sapwood_text question,
                                  sapwood_text context, const sapwood_task_options* options,
                                  sapwood_job** job, sapwood_error* error) {
  return capi::make_job(
      model, question, &context, options, job, error,
      [&](const capi::JobState& made, const sapwood_task_options& read, EncodeScratch& scratch) {
        AnswerOptions answer;
        if (read.top_k != 0) answer.top_k = read.top_k;
        if (read.max_length != 0) answer.max_seq_length = read.max_length;
        if (read.stride != 0) answer.stride = read.stride;
        answer.parse_special_tokens = read.plain_special == 0;
        return answer_task(model->model, answer)
            ->job(QuestionInput{made.first, made.second}, scratch);
      });
}

void sapwood_job_free(sapwood_job* job) { delete job; }

sapwood_status sapwood_job_run(sapwood_job* job, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(job, "job");
    capi::JobState& state = *job->state;
    TaskJob* const one = &state.task->job();
    if (state.answer || one->missing() != one->windows().size()) {
      throw Error(ErrorCode::invalid_argument,
                  "the job has been run: it is run once, make a new one");
    }
    tasks::run_jobs(one->model(), std::span(&one, 1), [](std::size_t) {});
    state.answer = state.task->finish();
  });
}

size_t sapwood_job_tokens(const sapwood_job* job) {
  std::size_t tokens = 0;
  if (job == nullptr) return tokens;
  for (const Sequence& window : job->state->task->job().windows()) tokens += window.ids.size();
  return tokens;
}

int sapwood_job_truncated(const sapwood_job* job) {
  return job != nullptr && job->state->answer && job->state->answer->truncated ? 1 : 0;
}

size_t sapwood_job_count(const sapwood_job* job) {
  if (job == nullptr || !job->state->answer) return 0;
  return job->state->answer->items.size() + job->state->answer->vector.size();
}

sapwood_status sapwood_job_item(const sapwood_job* job, size_t i, sapwood_item* item,
                                size_t item_size, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(job, "job");
    capi::require(item, "item");
    const std::optional<capi::Answer>& answer = job->state->answer;
    const std::size_t count = answer ? answer->items.size() : 0;
    if (i >= count) {
      throw Error(ErrorCode::invalid_argument, "item " + std::to_string(i) + ": the job has " +
                                                   std::to_string(count) + " items");
    }
    const capi::Answer::Item& from = answer->items[i];
    const sapwood_item all{from.score,
                           from.label,
                           from.token,
                           from.mask,
                           from.start,
                           from.end,
                           {from.name.c_str(), from.name.size()},
                           {from.text.c_str(), from.text.size()}};
    std::memcpy(item, &all, std::min(item_size, sizeof all));
  });
}

sapwood_status sapwood_job_vector(const sapwood_job* job, float* vector, size_t numbers,
                                  sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(job, "job");
    capi::require(vector, "vector");
    const std::size_t size = job->state->answer ? job->state->answer->vector.size() : 0;
    if (numbers != size || size == 0) {
      throw Error(ErrorCode::invalid_argument, "vector: the job has " + std::to_string(size) +
                                                   " numbers, and there is room for " +
                                                   std::to_string(numbers));
    }
    std::copy(job->state->answer->vector.begin(), job->state->answer->vector.end(), vector);
  });
}
