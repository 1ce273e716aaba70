// /openapi.json names every route, and no schema leaves open what an object holds.
#include <algorithm>
#include <set>

#include "catch.h"
#include "routes.h"
#include "service.h"

namespace sapwood::test {
namespace {

// Every object says its members (or of what type they all are), every list its elements, every reference is there.
void check_schemas(const Json& document, const Json& value, const std::string& place) {
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      check_schemas(document, value[i], place + "/" + std::to_string(i));
    }
  }
  if (!value.is_object()) return;
  INFO(place);
  if (value.contains("$ref")) {
    const std::string target = value["$ref"];
    REQUIRE(target.starts_with("#"));
    CHECK(document.contains(Json::json_pointer(target.substr(1))));
  }
  if (value.contains("type") && value["type"] == "object") {
    CHECK((value.contains("properties") || value.contains("additionalProperties")));
  }
  if (value.contains("type") && value["type"] == "array") CHECK(value.contains("items"));
  for (const auto& [key, member] : value.items()) {
    check_schemas(document, member, place + "/" + key);
  }
}

TEST_CASE("openapi.json describes exactly the routes that there are") {
  Service service({"embed"});
  const Json document = answer_of(service.get("/openapi.json"));
  CHECK(document["openapi"].get<std::string>().starts_with("3."));
  std::set<std::string> described, there;
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string upper = method;
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](unsigned char c) { return std::toupper(c); });
      described.insert(upper + " " + path);
      CHECK(operation.contains("operationId"));
      CHECK(operation["responses"].contains("200"));
      CHECK(operation.contains("requestBody") == (method == "post"));
    }
  }
  for (const serve::Route& route : serve::all_routes()) {
    there.insert(std::string(route.method) + " " + std::string(route.path));
    if (!route.traits.scoped) continue;
    const std::string rest = route.path == "/" ? "" : std::string(route.path);
    there.insert(std::string(route.method) + " /models/{model}" + rest);
  }
  CHECK(described == there);
  check_schemas(document, document, "");
}

}  // namespace
}  // namespace sapwood::test
