// Where values stand in the arena.
#include <random>

#include "catch.h"
#include "graph/graph.h"

namespace sapwood {
namespace {

bool alive_together(const Value& a, const Value& b) {
  return a.first_node <= b.last_node && b.first_node <= a.last_node;
}

// No plan can be smaller than the most that is alive at one node.
std::int64_t lower_bound(const std::vector<Value>& values, const ArenaPlan& plan) {
  std::int64_t most = 0;
  for (int node = 0; node < 64; ++node) {
    std::int64_t alive = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].first_node <= node && node <= values[i].last_node)
        alive += kernels::round_up(plan.placements[i].bytes, kernels::kAlignment);
    }
    most = std::max(most, alive);
  }
  return most;
}

TEST_CASE("values alive together never share memory", "[arena]") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<Value> values(1 + random() % 20);
    ArenaPlan plan;
    for (Value& v : values) {
      plan.placements.push_back({.bytes = static_cast<std::int64_t>(random() % 5000)});
      v.first_node = static_cast<int>(random() % 60);
      v.last_node = v.first_node + static_cast<int>(random() % 4);
    }
    place_values(values, plan);
    CHECK(plan.bytes >= lower_bound(values, plan));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Placement& a = plan.placements[i];
      CHECK(a.offset % kernels::kAlignment == 0);
      CHECK(a.offset + a.bytes <= plan.bytes);
      for (std::size_t j = 0; j < i; ++j) {
        const Placement& b = plan.placements[j];
        const bool overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        if (alive_together(values[i], values[j])) CHECK_FALSE(overlap);
      }
    }
  }
}

TEST_CASE("a chain of values needs two buffers, whatever its length", "[arena]") {
  std::vector<Value> values(10);
  ArenaPlan plan;
  for (int i = 0; i < 10; ++i) {
    values[i] = {.first_node = i, .last_node = i + 1};
    plan.placements.push_back({.bytes = 640});
  }
  place_values(values, plan);
  CHECK(plan.bytes == 2 * 640);
}

}  // namespace
}  // namespace sapwood
