#include "config/sentence_router.h"

#include <optional>
#include <vector>

#include "base/quote.h"
#include "config/sentence.h"
#include "config/sentence_keys.h"

namespace sapwood {
namespace {

// The modules of a way, each of the kind that stands at its place in `wanted`; their folders.
std::vector<std::string> way(const JsonValue& root, const char* route,
                             std::initializer_list<ModuleKind> wanted) {
  const JsonValue structure = root.object("structure"), types = root.object("types");
  if (!structure.has(route)) {
    structure.fail_at(route, "expected the ways \"query\" and \"document\"",
                      ErrorCode::unsupported);
  }
  const std::vector<JsonValue> ids = structure.at(route).items();
  std::vector<std::string> folders;
  for (const JsonValue id : ids) {
    const std::string_view folder = id.string(), type = types.string(folder);
    if (folder.starts_with('.') ||
        folder.find_first_of(std::string_view("/\0", 2)) != folder.npos) {
      id.expected("a folder of the model");
    }
    const KnownModule* known = find_module(type);
    if (ids.size() != wanted.size() || known == nullptr ||
        known->kind != wanted.begin()[folders.size()]) {
      id.fail("a router with the module " + quote(type) +
                  " here is not supported; one from a masked-LM model and SpladePooling for "
                  "documents, and SparseStaticEmbedding for queries, is",
              ErrorCode::unsupported);
    }
    folders.emplace_back(folder);
  }
  if (folders.empty()) structure.fail_at(route, "there are no modules", ErrorCode::unsupported);
  return folders;
}

}  // namespace

RouterModules read_router(const Folder& folder, Notices& notices) {
  const JsonDocument json = read_json(folder.at("router_config.json"), notices);
  const JsonValue root = json.root();
  tell_unknown_keys(root, SentenceFile::router, notices);
  const auto document = way(root, "document", {ModuleKind::transformer, ModuleKind::splade});
  const auto query = way(root, "query", {ModuleKind::sparse_static});
  const JsonValue structure = root.object("structure");
  if (structure.size() != 2) {
    root.fail_at("structure", "expected the ways \"query\" and \"document\" alone",
                 ErrorCode::unsupported);
  }
  RouterModules modules{document[0], document[1], query[0]};
  // Without a default the first way counts.
  std::string_view first;
  for (const JsonValue each : structure.members()) {
    if (first.empty()) first = each.key();
  }
  if (root.has("parameters")) {
    const JsonValue parameters = root.object("parameters");
    tell_unknown_keys(parameters, SentenceFile::router_parameters, notices);
    if (parameters.has("route_mappings") && parameters.at("route_mappings").size() > 0) {
      parameters.fail_at("route_mappings", "ways by kinds of input are not supported",
                         ErrorCode::unsupported);
    }
    first = parameters.string("default_route", first);
  }
  if (first == "query") modules.default_route = Route::query;
  return modules;
}

}  // namespace sapwood
