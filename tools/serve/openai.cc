// OpenAI's routes: embeddings and the list of models.
#include "base/json_writer.h"
#include "base64.h"
#include "compute.h"
#include "routes.h"

namespace sapwood::serve {
namespace {

// Of a vector, its quotes included.
std::string base64_json(std::span<const float> vector) {
  std::string text = "\"";
  append_base64(text, vector);
  text += '"';
  return text;
}

void write_model(JsonWriter& writer, const ServedModel& served) {
  writer.begin_object().member("id", served.name()).member("object", "model");
  writer.member("created", served.loaded).member("owned_by", "sapwood").end();
}

}  // namespace

void plan_openai_embeddings(Call& call) {
  const JsonValue root = call.root();
  allow_fields(root, {"input", "model", "encoding_format", "dimensions", "user", "input_type"});
  choose_model(call);
  const std::string_view format = root.string("encoding_format", "float");
  const bool base64 = format == "base64";
  if (!base64 && format != "float") {
    root.at("encoding_format").expected("\"float\" or \"base64\"");
  }
  root.string("user", "");
  const Model& model = call.model->model;
  const Inputs inputs = read_inputs(root.at("input"), model);
  require_count(call, inputs.items.size(), "input");
  const Embedder embedder(call, inputs.items,
                          {.normalize = true,
                           .dimensions = read_dimensions(root, model),
                           .length = length_options(call.options.auto_truncate),
                           .prompt_name = read_input_type(root, model)});
  call.plan.list = inputs.list;
  call.plan.render = [embedder, base64, tokens = call.plan.tokens, name = call.model->name()] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().member("object", "list").key("data").begin_array();
    int index = 0;
    for (const Embedding& embedding : embedder.finish()) {
      writer.begin_object().member("object", "embedding").key("embedding");
      if (base64) {
        writer.raw(base64_json(row_of(embedding, 0)));
      } else {
        writer.value(row_of(embedding, 0));
      }
      writer.member("index", index++).end();
    }
    writer.end().member("model", name).key("usage").begin_object();
    writer.member("prompt_tokens", tokens).member("total_tokens", tokens).end().end();
    return json_response(std::move(body));
  };
}

void plan_openai_models(Call& call) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().member("object", "list").key("data").begin_array();
  for (const ServedModelPtr& served : call.models->models) write_model(writer, *served);
  writer.end().end();
  call.plan.render = [body] { return json_response(body); };
}

void plan_openai_model(Call& call) {
  std::string body;
  JsonWriter writer(body);
  write_model(writer, *call.model);
  call.plan.render = [body] { return json_response(body); };
}

}  // namespace sapwood::serve
