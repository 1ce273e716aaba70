#include <random>

#include "catch.h"
#include "graph/graph.h"

namespace sapwood {
namespace {

bool alive_together(const Value& a, const Value& b) {
  return a.first_node <= b.last_node && b.first_node <= a.last_node;
}

// No plan can be smaller than the most that is alive at one node.
std::int64_t lower_bound(const std::vector<Value>& values) {
  std::int64_t most = 0;
  for (int node = 0; node < 64; ++node) {
    std::int64_t alive = 0;
    for (const Value& v : values) {
      if (v.first_node <= node && node <= v.last_node)
        alive += kernels::round_up(v.bytes, kernels::kAlignment);
    }
    most = std::max(most, alive);
  }
  return most;
}

TEST_CASE("values alive together never share memory", "[arena]") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Value> values(1 + random() % 20);
    for (Value& v : values) {
      v.bytes = random() % 5000;
      v.first_node = static_cast<int>(random() % 60);
      v.last_node = v.first_node + static_cast<int>(random() % 4);
    }
    const std::int64_t arena = plan_arena(values);
    CHECK(arena >= lower_bound(values));
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i].offset % kernels::kAlignment == 0);
      CHECK(values[i].offset + values[i].bytes <= arena);
      for (std::size_t j = 0; j < i; ++j) {
        const bool overlap = values[i].offset < values[j].offset + values[j].bytes &&
                             values[j].offset < values[i].offset + values[i].bytes;
        CHECK_FALSE((alive_together(values[i], values[j]) && overlap));
      }
    }
  }
}

TEST_CASE("a chain of values needs two buffers, whatever its length", "[arena]") {
  std::vector<Value> values(10);
  for (int i = 0; i < 10; ++i) {
    values[i].bytes = 640;
    values[i].first_node = i;
    values[i].last_node = i + 1;
  }
  CHECK(plan_arena(values) == 2 * 640);
}

}  // namespace
}  // namespace sapwood
