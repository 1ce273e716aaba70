// Which paths there are, and what makes an answer of each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "call.h"

namespace sapwood::serve {

using MakePlan = void (*)(Call& call);  // fills Call::plan

struct RouteTraits {
  bool computes = false;  // waits for the processors: may be refused at the door
  bool open = false;      // asks for no API key
  bool scoped = false;    // also under /models/NAME
};

struct Route {
  std::string_view method;  // "GET" (and HEAD) or "POST"
  std::string_view path;    // {model} stands for a name
  Family family;
  MakePlan plan;
  RouteTraits traits = {};
};

std::span<const Route> all_routes();

// What a method and a path mean. `model`: the name in the path, or empty; a name under /models/ is one that there is.
struct RouteMatch {
  const Route* route = nullptr;
  std::string_view model;
  std::string allow;  // where only the method is wrong: those that would be right
};
RouteMatch find_route(std::string_view method, std::string_view path, const ModelSet& models);

// Errors of a path have the format of its family, be it known or not.
Family family_of(std::string_view path);

// --- one function for each route

// text-embeddings-inference (tei.cc)
void plan_embed(Call& call);
void plan_embed_all(Call& call);
void plan_embed_sparse(Call& call);
void plan_predict(Call& call);
void plan_rerank(Call& call);  // with `documents`: Jina's
void plan_similarity(Call& call);
void plan_tokenize(Call& call);
void plan_decode(Call& call);
// What the model's kind is asked for; huggingface_hub's bodies too (hub.cc)
void plan_root(Call& call);
// Several of those in a body, as Vertex AI sends them
void plan_vertex(Call& call);
// (status.cc)
void plan_front(Call& call);  // a page for browsers, else health
void plan_health(Call& call);
void plan_info(Call& call);
void plan_metrics(Call& call);
void plan_openapi(Call& call);
// OpenAI (openai.cc)
void plan_openai_embeddings(Call& call);
void plan_openai_models(Call& call);
void plan_openai_model(Call& call);
// Cohere and Jina (cohere.cc)
void plan_cohere_rerank(Call& call);
void plan_jina_rerank(Call& call);
// KServe v2 (kserve.cc, kserve_infer.cc)
void plan_kserve_server(Call& call);
void plan_kserve_live(Call& call);
void plan_kserve_ready(Call& call);
void plan_kserve_model(Call& call);
void plan_kserve_model_ready(Call& call);
void plan_kserve_infer(Call& call);
// Ollama (ollama.cc)
void plan_ollama_embed(Call& call);
void plan_ollama_embeddings(Call& call);
void plan_ollama_tags(Call& call);
void plan_ollama_version(Call& call);

}  // namespace sapwood::serve
