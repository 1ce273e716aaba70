#include "compute.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/quote.h"
#include "sapwood/utf8.h"

namespace sapwood::serve {
namespace {

// Of the texts that an answer of fill-mask repeats: some 5 MB.
constexpr std::size_t kMostFillTokens = std::size_t{1} << 20;

// Token ids as they came, between the special tokens that a text would get unless they begin with them already.
Encoding encoding_of(const Model& model, const InputText& item, const LengthOptions& length) {
  const Tokenizer& tokenizer = model.tokenizer();
  Encoding encoding;
  encoding.ids = *item.ids;
  const auto most = static_cast<std::size_t>(model.max_length());
  const auto cls = tokenizer.cls_id(), sep = tokenizer.sep_id();
  const bool bare = cls && sep && encoding.ids.front() != *cls;
  const std::size_t room = most - (bare ? 2 : 0);
  if (encoding.ids.size() > room) {
    if (length.truncation == Truncation::none) {
      throw Error(ErrorCode::too_long, "expected at most " + std::to_string(room) +
                                           " token ids, found " +
                                           std::to_string(encoding.ids.size()));
    }
    const std::size_t over = encoding.ids.size() - room;
    const auto begin = encoding.ids.begin();
    const auto count = static_cast<std::ptrdiff_t>(over);
    encoding.truncated = true;
    if (length.direction.value_or(tokenizer.truncation_side()) == Direction::left) {
      encoding.ids.erase(begin, begin + count);
    } else {
      encoding.ids.erase(encoding.ids.end() - count, encoding.ids.end());
    }
  }
  if (bare) {
    encoding.ids.insert(encoding.ids.begin(), *cls);
    encoding.ids.push_back(*sep);
  }
  encoding.type_ids.assign(encoding.ids.size(), 0);
  return encoding;
}

void require_embedder(const ServedModel& served) {
  if (served.kind == ModelKind::embedder) return;
  throw ApiError(Problem::wrong_model,
                 "the model " + served.name() + " is no embedding model but a " +
                     std::string(to_string(served.kind)) + ": ask for another one");
}

std::vector<TextInput> text_inputs_of(Call& call, std::span<const InputText> items) {
  std::vector<TextInput> inputs;
  for (const InputText& item : items) {
    count_characters(call, item.text);
    if (item.pair) count_characters(call, *item.pair);
    inputs.push_back({item.text, item.pair});
  }
  return inputs;
}

}  // namespace

EncodeScratch& encode_scratch() {
  thread_local EncodeScratch scratch;
  return scratch;
}

void add_to_plan(Call& call, const std::shared_ptr<TaskJob>& job) {
  for (const Sequence& window : job->windows()) {
    call.plan.tokens += static_cast<std::int64_t>(window.ids.size());
  }
  if (call.plan.tokens > call.options.max_request_tokens) {
    throw ApiError(Problem::too_large, "the request has more than " +
                                           std::to_string(call.options.max_request_tokens) +
                                           " tokens: send fewer texts in a request");
  }
  call.plan.jobs.push_back(job);
}

void count_characters(Call& call, std::string_view text) {
  if (utf8::is_valid(text)) call.plan.characters += static_cast<std::int64_t>(utf8::count(text));
}

Embedder::Embedder(Call& call, std::span<const InputText> items, const EmbedWish& wish) {
  require_embedder(*call.model);
  const Model& model = call.model->model;
  EmbedOptions options{.normalize = wish.normalize,
                       .length = wish.length,
                       .prompt_name = wish.prompt_name,
                       .dimensions = wish.dimensions};
  if (wish.tokens) options.pooling = PoolingMode::none;
  const auto task = embed_task(model, options);
  for (const InputText& item : items) {
    if (!item.ids) {
      const auto texts = text_inputs_of(call, {&item, 1});
      jobs_.push_back(make_jobs<TextInput, Embedding>(call, *task, texts).front());
      continue;
    }
    jobs_.push_back(task->job({}, {encoding_of(model, item, wish.length)}).value());
    add_to_plan(call, jobs_.back());
    call.plan.characters += static_cast<std::int64_t>(item.ids->size());
    ++call.plan.items;
  }
}

std::vector<Embedding> Embedder::finish() const { return serve::finish(jobs_); }

std::optional<int> read_dimensions(const JsonValue& object, const Model& model) {
  if (!object.has("dimensions")) return std::nullopt;
  return object.integer("dimensions", 1, embedding_size(model));
}

namespace {

using Prompts = std::map<std::string, std::string>;

const Prompts& prompts_of(const Model& model) {
  static const Prompts kNone;
  const auto& sentence = model.config().sentence;
  return sentence ? sentence->prompts : kNone;
}

[[noreturn]] void fail_prompt(const JsonValue& object, std::string_view key,
                              const Prompts& prompts) {
  std::string names;
  for (const auto& [name, text] : prompts) names += (names.empty() ? "" : ", ") + quote(name);
  object.fail_at(key, "the model has no prompt for " + quote(object.string(key)) +
                          (names.empty() ? "; it has none at all: leave it out"
                                         : "; its prompts are " + printable(names)));
}

}  // namespace

std::optional<std::string> read_prompt_name(const JsonValue& object, const Model& model) {
  constexpr std::string_view kKey = "prompt_name";
  if (!object.has(kKey)) return std::nullopt;
  std::string name(object.string(kKey));
  if (!prompts_of(model).contains(name)) fail_prompt(object, kKey, prompts_of(model));
  return name;
}

std::optional<std::string> read_input_type(const JsonValue& object, const Model& model) {
  constexpr std::string_view kKey = "input_type";
  if (!object.has(kKey)) return std::nullopt;
  const std::string_view type = object.string(kKey);
  const Prompts& prompts = prompts_of(model);
  std::vector<std::string> names{std::string(type)};
  if (type == "search_query") names = {"query"};
  if (type == "search_document" || type == "passage" || type == "document") {
    names = {"document", "passage", "corpus"};
  }
  for (const std::string& name : names) {
    if (prompts.contains(name)) return name;
  }
  fail_prompt(object, kKey, prompts);
}

Jobs<SparseEmbedding> sparse_jobs(Call& call, std::span<const InputText> items,
                                  const SparseOptions& options) {
  const auto inputs = text_inputs_of(call, items);
  return make_jobs<TextInput, SparseEmbedding>(call, *sparse_embed_task(call.model->model, options),
                                               inputs);
}

Jobs<Classification> classify_jobs(Call& call, std::span<const InputText> items,
                                   const ClassifyOptions& options) {
  const auto inputs = text_inputs_of(call, items);
  return make_jobs<TextInput, Classification>(call, *classify_task(call.model->model, options),
                                              inputs);
}

std::shared_ptr<Job<Ranking>> rank_job(Call& call, std::string_view query,
                                       std::span<const std::string_view> texts,
                                       const RerankOptions& options) {
  count_characters(call, query);
  for (const std::string_view text : texts) count_characters(call, text);
  const RerankInput input{query, texts};
  const auto task = rerank_task(call.model->model, options);
  const std::size_t before = call.plan.items;
  auto job = make_jobs<RerankInput, Ranking>(call, *task, {&input, 1}).front();
  call.plan.items = before + texts.size();
  return job;
}

void require_fills(const Jobs<MaskFills>& jobs, int top_k, int vocabulary) {
  std::size_t tokens = 0;
  for (const auto& job : jobs) {
    for (const Sequence& window : job->windows()) {
      tokens += window.selected.size() * static_cast<std::size_t>(std::min(top_k, vocabulary)) *
                window.ids.size();
    }
  }
  if (tokens <= kMostFillTokens) return;
  throw ApiError(Problem::too_large, "the texts with all their fills would have " +
                                         std::to_string(tokens) + " tokens, of at most " +
                                         std::to_string(kMostFillTokens) +
                                         ": lower top_k or send fewer masks in a request");
}

std::span<const float> row_of(const Embedding& embedding, int row) {
  const auto dim = static_cast<std::size_t>(embedding.dim);
  return {embedding.values.data() + static_cast<std::size_t>(row) * dim, dim};
}

HttpResponse json_response(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

}  // namespace sapwood::serve
