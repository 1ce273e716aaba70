// What the service says about itself.
#include "base/json_writer.h"
#include "compute.h"
#include "openapi.h"
#include "page.h"
#include "routes.h"
#include "sapwood/scheduler.h"
#include "sapwood/version.h"

namespace sapwood::serve {
namespace {

void write_labels(JsonWriter& writer, const std::vector<std::string>& labels) {
  writer.key("id2label").begin_object();
  for (std::size_t i = 0; i < labels.size(); ++i) writer.member(std::to_string(i), labels[i]);
  writer.end().key("label2id").begin_object();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    writer.member(labels[i], static_cast<std::int64_t>(i));
  }
  writer.end();
}

void write_type(JsonWriter& writer, const ServedModel& served) {
  const ModelConfig& config = served.model.config();
  if (config.sentence && config.sentence->sparse) {
    writer.key("model_type").begin_object().key("embedding").begin_object();
    writer.member("pooling", "splade").end().end();
    return;
  }
  writer.key("model_type").begin_object().key(to_string(served.kind)).begin_object();
  if (served.kind == ModelKind::embedder) {
    const SentenceConfig sentence = config.sentence.value_or(SentenceConfig{});
    writer.member("pooling", to_string(sentence.poolings[0]));
  } else if (served.kind == ModelKind::fill_mask) {
    const Tokenizer& tokenizer = served.model.tokenizer();
    if (const auto mask = tokenizer.mask_id()) {
      writer.member("mask_token", tokenizer.token(*mask));
    }
  } else if (!config.labels.empty()) {
    write_labels(writer, config.labels);
  }
  writer.end().end();
}

}  // namespace

void plan_health(Call& call) {
  if (call.draining) throw ApiError(Problem::unready, "the service is stopping");
  call.plan.render = [] { return HttpResponse{}; };
}

void plan_front(Call& call) {
  plan_health(call);
  if (call.request().path != "/") return;
  const bool page = accepts_html(call.request());
  call.plan.render = [&call, page] {
    HttpResponse response = page ? page_response(call.request()) : HttpResponse{};
    response.headers.emplace_back("vary", "accept");
    return response;
  };
}

void plan_info(Call& call) {
  const ServedModel& served = *call.model;
  std::string body;
  JsonWriter writer(body);
  writer.begin_object().member("model_id", served.source.path).key("model_sha").null();
  writer.member("model_dtype", served.dtype).member("served_model_name", served.name());
  write_type(writer, served);
  writer.member("max_input_length", served.model.max_length());
  writer.member("max_batch_tokens", call.options.batch_tokens).key("max_batch_requests").null();
  writer.member("max_client_batch_size", call.options.max_client_batch_size);
  writer.member("auto_truncate", call.options.auto_truncate).member("tokenization_workers", 1);
  writer.member("version", version()).key("sha").null().key("docker_label").null().end();
  call.plan.render = [body] { return json_response(body); };
}

void plan_metrics(Call& call) {
  call.plan.render = [&call] {
    return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                        .body = call.metrics->text(call.scheduler->statistics())};
  };
}

void plan_openapi(Call& call) {
  call.plan.render = [] { return json_response(std::string(openapi_json())); };
}

}  // namespace sapwood::serve
