// The routes of text-embeddings-inference.
#include <algorithm>

#include "base/json_writer.h"
#include "compute.h"
#include "routes.h"
#include "sapwood/utf8.h"

namespace sapwood::serve {
namespace {

void write_embeddings(JsonWriter& writer, const std::vector<Embedding>& embeddings, bool tokens) {
  writer.begin_array();
  for (const Embedding& embedding : embeddings) {
    if (tokens) writer.begin_array();
    for (int row = 0; row < embedding.rows; ++row) writer.value(row_of(embedding, row));
    if (tokens) writer.end();
  }
  writer.end();
}

void plan_vectors(Call& call, const EmbedWish& wish) {
  const JsonValue root = call.root();
  const Inputs inputs = read_inputs(root.at("inputs"), call.model->model);
  require_count(call, inputs.items.size(), "inputs");
  const Embedder embedder(call, inputs.items, wish);
  call.plan.list = inputs.list;
  call.plan.render = [embedder, tokens = wish.tokens] {
    std::string body;
    JsonWriter writer(body);
    write_embeddings(writer, embedder.finish(), tokens);
    return json_response(std::move(body));
  };
}

void write_predictions(JsonWriter& writer, const Classification& classification) {
  writer.begin_array();
  for (const LabelScore& each : classification.labels) {
    writer.begin_object().member("score", each.score).member("label", each.label).end();
  }
  writer.end();
}

void write_tokens(JsonWriter& writer, const Tokenizer& tokenizer, const Encoding& encoding,
                  std::string_view text) {
  const std::vector<std::string> tokens = tokenizer.tokens(encoding);
  // Token by token from left to right: a slice by code points would walk the text again for each.
  std::size_t at = 0, bytes = 0;
  const auto byte_of = [&](std::int32_t code_point) {
    const auto wanted = static_cast<std::size_t>(code_point);
    if (wanted < at) at = bytes = 0;
    bytes += utf8::byte_offset(text.substr(bytes), wanted - at);
    at = wanted;
    return bytes;
  };
  writer.begin_array();
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    const bool special = encoding.special_tokens_mask[i] != 0;
    writer.begin_object().member("id", encoding.ids[i]);
    if (special) {
      writer.member("text", tokens[i]).member("special", true);
      writer.key("start").null().key("stop").null().end();
      continue;
    }
    const Offsets range = encoding.offsets[i];
    const std::size_t begin = byte_of(range.start), end = byte_of(range.end);
    writer.member("text", text.substr(begin, end - begin)).member("special", false);
    writer.member("start", range.start).member("stop", range.end).end();
  }
  writer.end();
}

void require_tokens(const Call& call, std::size_t tokens) {
  if (tokens <= static_cast<std::size_t>(call.options.max_request_tokens)) return;
  throw ApiError(Problem::too_large, "the texts have more than " +
                                         std::to_string(call.options.max_request_tokens) +
                                         " tokens: send fewer texts in a request");
}

}  // namespace

void plan_embed(Call& call) {
  const JsonValue root = call.root();
  EmbedWish wish{.normalize = root.boolean("normalize", true),
                 .dimensions = read_dimensions(root, call.model->model),
                 .length = read_length(root, call.options.auto_truncate),
                 .prompt_name = read_prompt_name(root, call.model->model)};
  return plan_vectors(call, wish);
}

void plan_embed_all(Call& call) {
  const JsonValue root = call.root();
  refuse_fields(root, {"normalize", "dimensions"});
  return plan_vectors(call, {.length = read_length(root, call.options.auto_truncate),
                             .tokens = true,
                             .prompt_name = read_prompt_name(root, call.model->model)});
}

void plan_embed_sparse(Call& call) {
  const Model& model = call.model->model;
  if (!model.config().sentence || !model.config().sentence->sparse) {
    throw ApiError(Problem::wrong_model,
                   "the model " + call.model->name() + " makes no sparse embeddings: use /embed");
  }
  const JsonValue root = call.root();
  refuse_fields(root, {"normalize", "dimensions"});
  SparseOptions options{.prompt_name = read_prompt_name(root, model),
                        .length = read_length(root, call.options.auto_truncate)};
  if (root.has("route")) {
    const std::string_view route = root.string("route");
    if (route != "query" && route != "document") {
      root.at("route").expected("\"query\" or \"document\"");
    }
    options.route = from_string<sapwood::Route>(route);
  }
  const Inputs inputs = read_texts(root.at("inputs"));
  require_count(call, inputs.items.size(), "inputs");
  const auto jobs = sparse_jobs(call, inputs.items, options);
  call.plan.list = inputs.list;
  call.plan.render = [jobs] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_array();
    for (const auto& job : jobs) {
      writer.begin_array();
      for (const SparseValue& each : job->finish().values) {
        writer.begin_object().member("index", each.index).member("value", each.value).end();
      }
      writer.end();
    }
    writer.end();
    return json_response(std::move(body));
  };
}

void plan_predict(Call& call) {
  const JsonValue root = call.root();
  refuse_fields(root, {"prompt_name", "normalize", "return_text"});
  const Inputs inputs = read_sequences(root.at("inputs"));
  require_count(call, inputs.items.size(), "inputs");
  ClassifyOptions options{.top_k = 0, .length = read_length(root, call.options.auto_truncate)};
  if (root.boolean("raw_scores", false)) options.function = ScoreFunction::none;
  const auto jobs = classify_jobs(call, inputs.items, options);
  call.plan.list = inputs.list;
  call.plan.render = [jobs, list = inputs.list] {
    std::string body;
    JsonWriter writer(body);
    if (list) writer.begin_array();
    for (const auto& job : jobs) write_predictions(writer, job->finish());
    if (list) writer.end();
    return json_response(std::move(body));
  };
}

void plan_rerank(Call& call) {
  const JsonValue root = call.root();
  if (root.has("documents")) return plan_jina_rerank(call);
  refuse_fields(root, {"prompt_name", "normalize"});
  const std::vector<std::string_view> texts = read_strings(root.at("texts"));
  require_count(call, texts.size(), "texts");
  // Its clients expect a score from 0 to 1 whatever the model's files name.
  const bool raw = root.boolean("raw_scores", false);
  const RerankOptions options{.scores = raw ? PairScore::raw : PairScore::sigmoid,
                              .length = read_length(root, call.options.auto_truncate)};
  const auto job = rank_job(call, root.string("query"), texts, options);
  call.plan.list = true;
  call.plan.render = [job, texts, with_text = root.boolean("return_text", false)] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_array();
    for (const RankedText& ranked : job->finish().texts) {
      writer.begin_object().member("index", ranked.index);
      if (with_text) writer.member("text", texts[static_cast<std::size_t>(ranked.index)]);
      writer.member("score", ranked.score).end();
    }
    writer.end();
    return json_response(std::move(body));
  };
}

void plan_similarity(Call& call) {
  const JsonValue root = call.root();
  const JsonValue inputs = root.object("inputs");
  EmbedWish wish{.normalize = true, .length = length_options(call.options.auto_truncate)};
  if (root.has("parameters")) {
    const JsonValue parameters = root.object("parameters");
    wish.length = read_length(parameters, call.options.auto_truncate);
    wish.prompt_name = read_prompt_name(parameters, call.model->model);
  }
  std::vector<InputText> items{{inputs.string("source_sentence")}};
  for (const std::string_view text : read_strings(inputs.at("sentences"))) items.push_back({text});
  if (items.size() == 1) require_count(call, 0, "inputs.sentences");
  require_count(call, items.size(), "inputs.sentences");
  const Embedder embedder(call, items, wish);
  call.plan.list = true;
  call.plan.render = [embedder] {
    const std::vector<Embedding> vectors = embedder.finish();
    std::vector<float> similarities;
    for (std::size_t i = 1; i < vectors.size(); ++i) {
      double dot = 0;  // of vectors of length 1
      for (std::size_t k = 0; k < vectors[0].values.size(); ++k) {
        dot += static_cast<double>(vectors[0].values[k]) * vectors[i].values[k];
      }
      similarities.push_back(static_cast<float>(dot));
    }
    std::string body;
    JsonWriter(body).value(similarities);
    return json_response(std::move(body));
  };
}

void plan_tokenize(Call& call) {
  const JsonValue root = call.root();
  refuse_fields(root, {"prompt_name"});
  const Inputs inputs = read_texts(root.at("inputs"));
  require_count(call, inputs.items.size(), "inputs");
  const Tokenizer& tokenizer = call.model->model.tokenizer();
  EncodeOptions options;
  options.add_special_tokens = root.boolean("add_special_tokens", true);
  std::string body;
  JsonWriter writer(body);
  writer.begin_array();
  Encoding encoding;
  for (const InputText& item : inputs.items) {
    tokenizer.encode_into(encoding, encode_scratch(), item.text, options);
    call.plan.tokens += static_cast<std::int64_t>(encoding.size());
    require_tokens(call, static_cast<std::size_t>(call.plan.tokens));
    write_tokens(writer, tokenizer, encoding, item.text);
  }
  writer.end();
  call.plan.items = inputs.items.size();
  call.plan.list = inputs.list;
  call.plan.render = [body] { return json_response(body); };
}

void plan_decode(Call& call) {
  const JsonValue root = call.root();
  const Model& model = call.model->model;
  const auto lists = read_ids(root.at("ids"), model, call.plan.list);
  require_count(call, lists.size(), "ids");
  std::vector<std::string> texts;
  for (const auto& ids : lists) {
    call.plan.tokens += static_cast<std::int64_t>(ids.size());
    require_tokens(call, static_cast<std::size_t>(call.plan.tokens));
    texts.push_back(model.tokenizer().decode(ids, root.boolean("skip_special_tokens", true)));
  }
  std::string body;
  JsonWriter(body).value(texts);
  call.plan.items = lists.size();
  call.plan.render = [body] { return json_response(body); };
}

}  // namespace sapwood::serve
