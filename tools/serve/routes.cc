#include "routes.h"

#include <array>

namespace sapwood::serve {
namespace {

constexpr std::string_view kModelsPrefix = "/models/";
constexpr std::string_view kPlaceholder = "{model}";

// Of several patterns that fit a path the first counts.
constexpr std::array kRoutes{
    Route{"GET", "/", Family::tei, plan_front, {.open = true, .scoped = true}},
    Route{"POST", "/", Family::tei, plan_root, {.computes = true, .scoped = true}},
    Route{"GET", "/health", Family::tei, plan_health, {.open = true, .scoped = true}},
    Route{"GET", "/ping", Family::tei, plan_health, {.open = true}},
    Route{"GET", "/metrics", Family::tei, plan_metrics, {.open = true}},
    Route{"GET", "/info", Family::tei, plan_info, {.scoped = true}},
    Route{"GET", "/openapi.json", Family::tei, plan_openapi},
    Route{"POST", "/embed", Family::tei, plan_embed, {.computes = true, .scoped = true}},
    Route{"POST", "/embed_all", Family::tei, plan_embed_all, {.computes = true, .scoped = true}},
    Route{"POST",
          "/embed_sparse",
          Family::tei,
          plan_embed_sparse,
          {.computes = true, .scoped = true}},
    Route{"POST", "/predict", Family::tei, plan_predict, {.computes = true, .scoped = true}},
    Route{"POST", "/rerank", Family::tei, plan_rerank, {.computes = true, .scoped = true}},
    Route{"POST", "/similarity", Family::tei, plan_similarity, {.computes = true, .scoped = true}},
    Route{"POST", "/vertex", Family::tei, plan_vertex, {.computes = true}},
    Route{"POST", "/tokenize", Family::tei, plan_tokenize, {.scoped = true}},
    Route{"POST", "/decode", Family::tei, plan_decode, {.scoped = true}},
    Route{"POST",
          "/embeddings",
          Family::openai,
          plan_openai_embeddings,
          {.computes = true, .scoped = true}},
    Route{"POST",
          "/v1/embeddings",
          Family::openai,
          plan_openai_embeddings,
          {.computes = true, .scoped = true}},
    Route{"GET", "/v1/models", Family::openai, plan_openai_models},
    Route{"GET", "/v1/models/{model}", Family::openai, plan_openai_model},
    Route{"POST",
          "/v1/rerank",
          Family::cohere,
          plan_cohere_rerank,
          {.computes = true, .scoped = true}},
    Route{"POST",
          "/v2/rerank",
          Family::cohere,
          plan_cohere_rerank,
          {.computes = true, .scoped = true}},
    Route{"GET", "/v2", Family::kserve, plan_kserve_server},
    Route{"GET", "/v2/health/live", Family::kserve, plan_kserve_live, {.open = true}},
    Route{"GET", "/v2/health/ready", Family::kserve, plan_kserve_ready, {.open = true}},
    Route{
        "POST", "/v2/models/{model}/infer", Family::kserve, plan_kserve_infer, {.computes = true}},
    Route{"GET", "/v2/models/{model}/ready", Family::kserve, plan_kserve_model_ready},
    Route{"GET", "/v2/models/{model}", Family::kserve, plan_kserve_model},
    Route{"POST", "/api/embed", Family::ollama, plan_ollama_embed, {.computes = true}},
    Route{"POST", "/api/embeddings", Family::ollama, plan_ollama_embeddings, {.computes = true}},
    Route{"GET", "/api/tags", Family::ollama, plan_ollama_tags},
    Route{"GET", "/api/version", Family::ollama, plan_ollama_version},
};

// Whether the path is of this pattern; `model` is what stands in the placeholder's place.
bool fits(std::string_view pattern, std::string_view path, std::string_view& model) {
  const std::size_t at = pattern.find(kPlaceholder);
  if (at == pattern.npos) return pattern == path;
  const std::string_view before = pattern.substr(0, at);
  const std::string_view after = pattern.substr(at + kPlaceholder.size());
  if (!path.starts_with(before) || !path.ends_with(after)) return false;
  if (path.size() <= before.size() + after.size()) return false;
  model = path.substr(before.size(), path.size() - before.size() - after.size());
  return true;
}

// Takes /models/NAME from the path's beginning, of several names the longest. False: there is no such model.
bool take_model(std::string_view& path, std::string_view& model, const ModelSet& models) {
  const std::string_view rest = path.substr(kModelsPrefix.size());
  for (const ServedModelPtr& each : models.models) {
    const std::string_view name = each->name();
    const bool whole =
        rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '/');
    if (whole && name.size() > model.size()) model = rest.substr(0, name.size());
  }
  if (model.empty()) return false;
  path = rest.substr(model.size());
  if (path.empty()) path = "/";
  return true;
}

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

RouteMatch find_route(std::string_view method, std::string_view path, const ModelSet& models) {
  RouteMatch match;
  const bool scoped = path.starts_with(kModelsPrefix);
  if (scoped && !take_model(path, match.model, models)) return match;
  std::string_view pattern;  // that fits: other methods may have the same
  for (const Route& route : kRoutes) {
    if (scoped && !route.traits.scoped) continue;
    if (pattern.empty() ? !fits(route.path, path, match.model) : route.path != pattern) continue;
    pattern = route.path;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) {
      match.route = &route;
      match.allow.clear();
      return match;
    }
    match.allow += match.allow.empty() ? "" : ", ";
    match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return match;
}

Family family_of(std::string_view path) {
  if (path.starts_with("/api/")) return Family::ollama;
  if (path.ends_with("/v1/rerank") || path.ends_with("/v2/rerank")) return Family::cohere;
  if (path.starts_with("/v1/") || path.ends_with("/embeddings")) return Family::openai;
  if (path == "/v2" || path.starts_with("/v2/")) return Family::kserve;
  return Family::tei;
}

}  // namespace sapwood::serve
