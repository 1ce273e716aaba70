// Ollama's routes, as far as embeddings need them.
#include <ctime>

#include "base/json_writer.h"
#include "compute.h"
#include "routes.h"
#include "sapwood/version.h"

namespace sapwood::serve {
namespace {

std::string utc_time(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

void plan_ollama_embed(Call& call) {
  const JsonValue root = call.root();
  choose_model(call);
  const Inputs inputs = read_texts(root.at("input"));
  require_count(call, inputs.items.size(), "input");
  const Embedder embedder(
      call, inputs.items,
      {.normalize = true,
       .dimensions = read_dimensions(root, call.model->model),
       .length = length_options(root.boolean("truncate", call.options.auto_truncate))});
  call.plan.list = inputs.list;
  call.plan.render = [&call, embedder, name = call.model->name()] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().member("model", name).key("embeddings").begin_array();
    for (const Embedding& embedding : embedder.finish()) writer.value(row_of(embedding, 0));
    const std::chrono::nanoseconds total = Clock::now() - call.request().arrived;
    writer.end().member("total_duration", std::int64_t{total.count()});
    writer.member("load_duration", 0).member("prompt_eval_count", call.plan.tokens).end();
    return json_response(std::move(body));
  };
}

// The older route: one text, whose vector is as the model itself normalises it.
void plan_ollama_embeddings(Call& call) {
  const JsonValue root = call.root();
  choose_model(call);
  const InputText item{root.string("prompt")};
  const Embedder embedder(
      call, {&item, 1},
      {.normalize = std::nullopt, .length = length_options(call.options.auto_truncate)});
  call.plan.render = [embedder] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().key("embedding").value(row_of(embedder.finish()[0], 0)).end();
    return json_response(std::move(body));
  };
}

void plan_ollama_tags(Call& call) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().key("models").begin_array();
  for (const ServedModelPtr& served : call.models->models) {
    writer.begin_object().member("name", served->name()).member("model", served->name());
    writer.member("modified_at", utc_time(served->loaded)).key("details").begin_object();
    writer.member("family", served->model.config().architecture);
    writer.member("quantization_level", served->dtype).end().end();
  }
  writer.end().end();
  call.plan.render = [body] { return json_response(body); };
}

void plan_ollama_version(Call& call) {
  std::string body;
  JsonWriter(body).begin_object().member("version", version()).end();
  call.plan.render = [body] { return json_response(body); };
}

}  // namespace sapwood::serve
