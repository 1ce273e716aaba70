// Ranking as Cohere (/v1/rerank, /v2/rerank) and Jina (/rerank with `documents`) have it.
#include "base/json_writer.h"
#include "compute.h"
#include "routes.h"

namespace sapwood::serve {
namespace {

struct RankWish {
  std::shared_ptr<Job<Ranking>> job;
  std::vector<std::string_view> documents;
  std::size_t top = 0;
  bool with_documents = false;
};

RankWish rank_documents(Call& call, bool with_documents) {
  const JsonValue root = call.root();
  choose_model(call);
  RankWish wish;
  wish.documents = read_strings(root.at("documents"), true);
  require_count(call, wish.documents.size(), "documents");
  wish.top = static_cast<std::size_t>(
      root.integer("top_n", 1, 1 << 30, static_cast<int>(wish.documents.size())));
  wish.with_documents = root.boolean("return_documents", with_documents);
  wish.job = rank_job(
      call, root.string("query"), wish.documents,
      {.scores = PairScore::sigmoid, .length = length_options(call.options.auto_truncate)});
  call.plan.list = true;
  return wish;
}

void write_results(JsonWriter& writer, const RankWish& wish) {
  writer.key("results").begin_array();
  std::size_t count = 0;
  for (const RankedText& ranked : wish.job->finish().texts) {
    if (count++ == wish.top) break;
    writer.begin_object().member("index", ranked.index);
    writer.member("relevance_score", ranked.score);
    if (wish.with_documents) {
      writer.key("document").begin_object();
      writer.member("text", wish.documents[static_cast<std::size_t>(ranked.index)]).end();
    }
    writer.end();
  }
  writer.end();
}

}  // namespace

void plan_cohere_rerank(Call& call) {
  allow_fields(call.root(), {"model", "query", "documents", "top_n", "return_documents"});
  const RankWish wish = rank_documents(call, false);
  const bool second = call.route->path == "/v2/rerank";
  call.plan.render = [wish, id = call.id, second] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().member("id", id);
    write_results(writer, wish);
    writer.key("meta").begin_object().key("api_version").begin_object();
    writer.member("version", second ? "2" : "1").end().end().end();
    return json_response(std::move(body));
  };
}

void plan_jina_rerank(Call& call) {
  refuse_fields(call.root(), {"texts"});
  const RankWish wish = rank_documents(call, true);
  call.plan.render = [wish, name = call.model->name(), tokens = call.plan.tokens] {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object().member("model", name);
    writer.key("usage").begin_object().member("total_tokens", tokens).end();
    write_results(writer, wish);
    writer.end();
    return json_response(std::move(body));
  };
}

}  // namespace sapwood::serve
