// Models, and answers in the caller's memory. C has neither spans nor default arguments: that is why some functions take more
// than six parameters.
#include <algorithm>
#include <cstring>

#include "capi/handles.h"
#include "encode_options.h"
#include "sapwood/tasks.h"

using namespace sapwood;

namespace {

LoadOptions load_options(const sapwood_load_options* options) {
  const auto read = capi::read_options(options, sapwood_load_options_init);
  LoadOptions load;
  const auto name = [](const char* text) {
    return std::string_view(text == nullptr ? "auto" : text);
  };
  load.isa = from_string<Isa>(name(read.isa));
  load.dtype = from_string<WeightType>(name(read.dtype));
  load.dense = from_string<DenseProducts>(name(read.dense));
  load.copy_weights = read.copy_weights != 0;
  load.threads = read.threads;
  if (read.team != nullptr) load.team = read.team->threads;
  load.batch_tokens = read.batch_tokens;
  return load;
}

std::vector<TextInput> inputs_of(const sapwood_text* texts, const sapwood_text* pairs,
                                 std::size_t count) {
  capi::require_texts(texts, count, "texts");
  if (pairs != nullptr) capi::require_texts(pairs, count, "pairs");
  std::vector<TextInput> inputs(count);
  for (std::size_t i = 0; i < count; ++i) {
    inputs[i].text = capi::view(texts[i], "texts");
    if (pairs != nullptr) inputs[i].pair = capi::view(pairs[i], "pairs");
  }
  return inputs;
}

// Hands each value to `take`, and each error to `statuses`; the first error is thrown where there are none.
template <class Value, class Take>
void hand_out(const std::vector<Result<Value>>& results, sapwood_status* statuses,
              const Take& take) {
  if (statuses == nullptr) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i]) continue;
      throw Error(results[i].error().code(),
                  "text " + std::to_string(i) + ": " + results[i].error().what());
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i]) take(i, results[i].value());
    if (statuses == nullptr) continue;
    statuses[i] = results[i] ? SAPWOOD_OK : capi::status_of(results[i].error().code());
  }
}

// 0 where the model's files ask for vectors that are not computed.
int embedding_numbers(const Model& model) {
  try {
    return embedding_size(model);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    return 0;
  }
}

}  // namespace

sapwood_status sapwood_model_load(const char* name, const sapwood_load_options* options,
                                  sapwood_model** model, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(name, "name");
    capi::require(model, "model");
    *model = new sapwood_model{Model::load(find_model(name), load_options(options))};
  });
}

sapwood_status sapwood_model_load_memory(const void* bytes, std::size_t size,
                                         const sapwood_load_options* options, sapwood_model** model,
                                         sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(bytes, "bytes");
    capi::require(model, "model");
    const std::span file(static_cast<const std::byte*>(bytes), size);
    *model = new sapwood_model{Model::load(file, load_options(options))};
  });
}

void sapwood_model_free(sapwood_model* model) { delete model; }

sapwood_status sapwood_model_describe(const sapwood_model* model, sapwood_model_info* info,
                                      sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(model, "model");
    capi::require(info, "info");
    const ModelConfig& config = model->model.config();
    if (info->size < sizeof(std::size_t) + sizeof(int)) {
      throw Error(ErrorCode::invalid_argument,
                  "info: write sizeof(sapwood_model_info) into its size");
    }
    sapwood_model_info all{};
    all.size = std::min(info->size, sizeof all);
    all.head = static_cast<sapwood_head>(config.head);
    all.hidden = config.hidden;
    all.layers = config.layers;
    all.vocab_size = config.vocab_size;
    all.max_length = model->model.max_length();
    all.labels = static_cast<int>(config.labels.size());
    all.embedding = embedding_numbers(model->model);
    std::memcpy(info, &all, all.size);
  });
}

const char* sapwood_model_label(const sapwood_model* model, int id) {
  if (model == nullptr) return nullptr;
  const std::vector<std::string>& labels = model->model.config().labels;
  if (id < 0 || static_cast<std::size_t>(id) >= labels.size()) return nullptr;
  return labels[static_cast<std::size_t>(id)].c_str();
}

sapwood_status sapwood_encode(const sapwood_model* model, sapwood_text text,
                              const sapwood_text* pair, const sapwood_task_options* options,
                              std::int32_t* ids, std::size_t capacity, std::size_t* count,
                              sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(model, "model");
    capi::require(count, "count");
    *count = 0;
    if (capacity > 0) capi::require(ids, "ids");
    const auto length =
        capi::length_options(capi::read_options(options, sapwood_task_options_init));
    const std::string_view first = capi::view(text, "text");
    const Encoding encoding = pair == nullptr
                                  ? model->model.encode(first, length)
                                  : model->model.encode(first, capi::view(*pair, "pair"), length);
    *count = encoding.size();
    if (encoding.size() > capacity) {
      throw Error(ErrorCode::too_long, "the text has " + std::to_string(encoding.size()) +
                                           " tokens, and ids has room for " +
                                           std::to_string(capacity));
    }
    std::copy(encoding.ids.begin(), encoding.ids.end(), ids);
  });
}

sapwood_status sapwood_embed(const sapwood_model* model, const sapwood_text* texts,
                             const sapwood_text* pairs, std::size_t count,
                             const sapwood_task_options* options, float* vectors,
                             std::size_t numbers, sapwood_status* statuses, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(model, "model");
    if (numbers > 0) capi::require(vectors, "vectors");
    const auto embed = capi::embed_options(capi::read_options(options, sapwood_task_options_init));
    hand_out(embed_into(model->model, inputs_of(texts, pairs, count), {vectors, numbers}, embed),
             statuses, [](std::size_t, const EmbeddedRow&) {});
  });
}

sapwood_status sapwood_classify(const sapwood_model* model, const sapwood_text* texts,
                                const sapwood_text* pairs, std::size_t count,
                                const sapwood_task_options* options, sapwood_label_score* scores,
                                std::size_t per_text, sapwood_status* statuses,
                                sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(model, "model");
    if (count > 0) capi::require(scores, "scores");
    const std::size_t labels = model->model.config().labels.size();
    if (per_text < 1 || per_text > labels) {
      throw Error(ErrorCode::invalid_argument, "per_text: expected 1 to the model's " +
                                                   std::to_string(labels) + " labels, found " +
                                                   std::to_string(per_text));
    }
    auto classify_options =
        capi::classify_options(capi::read_options(options, sapwood_task_options_init));
    classify_options.top_k = static_cast<int>(per_text);
    hand_out(classify(model->model, inputs_of(texts, pairs, count), classify_options), statuses,
             [&](std::size_t i, const Classification& value) {
               for (std::size_t k = 0; k < per_text; ++k) {
                 scores[i * per_text + k] = {value.labels[k].id, value.labels[k].score};
               }
             });
  });
}

sapwood_status sapwood_rerank(const sapwood_model* model, sapwood_text query,
                              const sapwood_text* texts, std::size_t count,
                              const sapwood_task_options* options, sapwood_ranked_text* ranked,
                              sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(model, "model");
    capi::require_texts(texts, count, "texts");
    if (count > 0) capi::require(ranked, "ranked");
    const auto read = capi::read_options(options, sapwood_task_options_init);
    std::vector<std::string_view> views(count);
    for (std::size_t i = 0; i < count; ++i) views[i] = capi::view(texts[i], "texts");
    const Ranking ranking =
        rerank(model->model, capi::view(query, "query"), views, capi::rerank_options(read)).value();
    for (std::size_t i = 0; i < ranking.texts.size(); ++i) {
      ranked[i] = {static_cast<std::size_t>(ranking.texts[i].index), ranking.texts[i].score};
    }
  });
}
