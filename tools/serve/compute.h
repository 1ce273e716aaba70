// From the texts of a request to jobs, and from their answers to numbers.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "call.h"
#include "fields.h"
#include "sapwood/task_job.h"

namespace sapwood::serve {

template <class Value>
using Jobs = std::vector<std::shared_ptr<Job<Value>>>;

// The scratch of the calling thread.
EncodeScratch& encode_scratch();

// Adds a job to the call's plan and counts its tokens. Throws ApiError too_large where they are too many.
void add_to_plan(Call& call, const std::shared_ptr<TaskJob>& job);
void count_characters(Call& call, std::string_view text);

// The jobs of texts, added to the plan. An error says which of several texts it is about.
template <class Input, class Value>
Jobs<Value> make_jobs(Call& call, const Task<Input, Value>& task, std::span<const Input> inputs) {
  Jobs<Value> jobs;
  jobs.reserve(inputs.size());
  for (const Input& input : inputs) {
    auto job = task.job(input, encode_scratch());
    if (!job) {
      const std::string which =
          inputs.size() == 1 ? "" : "input " + std::to_string(jobs.size()) + ": ";
      throw Error(job.error().code(), which + job.error().what());
    }
    jobs.push_back(std::move(job).value());
    add_to_plan(call, jobs.back());
  }
  call.plan.items += inputs.size();
  return jobs;
}

template <class Value>
std::vector<Value> finish(const Jobs<Value>& jobs) {
  std::vector<Value> values;
  values.reserve(jobs.size());
  for (const auto& job : jobs) values.push_back(job->finish());
  return values;
}

struct EmbedWish {
  std::optional<bool> normalize = true;
  std::optional<int> dimensions = std::nullopt;  // unset: all
  LengthOptions length = {};
  bool tokens = false;                                    // one vector a token
  std::optional<std::string> prompt_name = std::nullopt;  // unset: the model's default prompt
};

// One vector a text, or a token.
class Embedder {
 public:
  Embedder(Call& call, std::span<const InputText> items, const EmbedWish& wish);
  std::vector<Embedding> finish() const;

 private:
  Jobs<Embedding> jobs_;
};

// `dimensions`, where it is given: a whole number from 1 to the model's own.
std::optional<int> read_dimensions(const JsonValue& object, const Model& model);
// `prompt_name`, where it is given: one of the model's prompts.
std::optional<std::string> read_prompt_name(const JsonValue& object, const Model& model);
// The prompt that `input_type` stands for, as Cohere's and other clients give it ("search_query",
// "search_document", "query", "passage", or any prompt of the model's).
std::optional<std::string> read_input_type(const JsonValue& object, const Model& model);

Jobs<SparseEmbedding> sparse_jobs(Call& call, std::span<const InputText> items,
                                  const SparseOptions& options);

Jobs<Classification> classify_jobs(Call& call, std::span<const InputText> items,
                                   const ClassifyOptions& options);

std::shared_ptr<Job<Ranking>> rank_job(Call& call, std::string_view query,
                                       std::span<const std::string_view> texts,
                                       const RerankOptions& options);

// Throws ApiError too_large where the fills of these jobs would repeat their texts too often: each of `top_k` fills of
// each mask holds the whole text.
void require_fills(const Jobs<MaskFills>& jobs, int top_k, int vocabulary);

// The row of an embedding's matrix.
std::span<const float> row_of(const Embedding& embedding, int row);

HttpResponse json_response(std::string body);

}  // namespace sapwood::serve
