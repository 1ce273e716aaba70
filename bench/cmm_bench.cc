// One feedforward layer 768 -> 4095 -> 768 in f32, bf16 and int8, one thread: CMM over a tree of
// depth 11 beside the dense layer of that shape (oneDNN's and ours), from one token to thousands.
//
// Weights and inputs are random and written. Every call gets fresh tokens, copied into the input
// buffer before the clock starts (in a model the layer before has just written them), so paths
// differ from call to call. "hot" repeats one layer, "cold" rotates through 16 layers' weights.
// Outputs are compared before anything is timed.
//
// The second part, `feedforward_...`: parts of several small trees beside dense ones of 64 to 1,536 neurons and none, six
// layers behind one another as in a model. Its figure is the dense width that takes as long.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmm_layer.h"
#include "limits.h"
#include "tree_layers.h"

namespace sapwood::bench {
namespace {

using kernels::DType;

constexpr int kTokens[] = {1, 2, 4, 8, 16, 32, 64, 128, 512, 4096, 16384};
enum class Contestant { cmm, onednn, dense };
constexpr const char* kContestants[] = {"cmm", "onednn", "dense"};

// The layers of one type at a time: all together would need more memory than they are worth.
Layers& layers(DType type) {
  static std::unique_ptr<Layers> current;
  if (current == nullptr || current->type != type) {
    current.reset();
    current = std::make_unique<Layers>(type);
    for (const int tokens : {1, 8, 33, 512}) current->compare(tokens);
  }
  return *current;
}

// What one call has to move and compute.
std::map<int, double>& distinct() {
  static std::map<int, double> nodes;
  return nodes;
}

void run(benchmark::State& state, DType type, Contestant contestant, bool cold) {
  const int tokens = static_cast<int>(state.range(0));
  Layers& all = layers(type);
  if (contestant == Contestant::onednn && !all.prepare_onednn(tokens)) {
    return state.SkipWithError("oneDNN has no product of this type for this processor");
  }
  if (!distinct().contains(tokens)) distinct()[tokens] = all.distinct_nodes(tokens);
  const Layer* layer = nullptr;
  time_calls(
      state, [&] { layer = &all.draw(tokens, cold); },
      [&] {
        if (contestant == Contestant::cmm) all.cmm(all.table, *layer, tokens, all.y.data());
        if (contestant == Contestant::onednn) all.onednn(*layer);
        if (contestant == Contestant::dense) all.dense(*layer, tokens);
      });
}

std::string benchmark_name(DType type, Contestant contestant, bool cold) {
  return std::string(kContestants[static_cast<int>(contestant)]) + "_" + name_of(type) +
         (cold ? "_cold" : "_hot");
}

// Microseconds that a call takes at least: its traffic at the bandwidth of reading as much as the
// weights and activations are, or its multiply-adds, whichever is longer.
double roofline(DType type, int tokens, bool cold, double peak, double float_peak) {
  const double element = element_bytes(type);
  const double activations = double{kCols} * tokens * (element + 4);
  const double traffic = distinct()[tokens] * 2 * kCols * element + activations;
  const double layer = double{kNodes} * 2 * kCols * element;
  static std::map<std::size_t, double> bandwidths;  // by size, doubling
  std::size_t size = std::size_t{1} << 20;
  while (static_cast<double>(size) < (cold ? kLayers : 1) * layer + activations) size *= 2;
  double& bandwidth = bandwidths[size];
  if (bandwidth == 0) bandwidth = read_bandwidth(size);
  const double products = double{kCols} * tokens * (kDepth + 1);
  return 1e6 * std::max(traffic / bandwidth, products / peak + products / float_peak);
}

void print_table(const Reporter& reporter, DType type, bool cold, double peak, double float_peak) {
  std::printf("\n%s %s, us a layer\n%8s %10s %10s %8s %10s %8s %10s %10s\n", name_of(type),
              cold ? "cold" : "hot", "tokens", "CMM", "oneDNN", "ratio", "ours", "ratio",
              "roofline", "reached");
  for (const int tokens : kTokens) {
    const auto time = [&](Contestant contestant) {
      return reporter.microseconds(benchmark_name(type, contestant, cold) + "/" +
                                   std::to_string(tokens));
    };
    const double cmm = time(Contestant::cmm);
    if (cmm == 0) continue;
    const double onednn = time(Contestant::onednn), dense = time(Contestant::dense);
    const double limit = roofline(type, tokens, cold, peak, float_peak);
    std::printf("%8d %10.2f %10.1f %8.1f %10.1f %8.1f %10.2f %9.0f%%\n", tokens, cmm, onednn,
                onednn / cmm, dense, dense / cmm, limit, 100 * limit / cmm);
  }
}

// --- several small trees

constexpr int kTreeTokens[] = {8, 32, 128, 1024}, kTreeCols[] = {384, 768};

// The best set of instructions and AVX2, which many processors have at most.
std::vector<const kernels::KernelTable*> tree_tables() {
  const kernels::KernelTable* const best = kernels::select_table("auto");
  const kernels::KernelTable* const avx2 = kernels::select_table("avx2");
  if (avx2 == nullptr || avx2 == best) return {best};
  return {best, avx2};
}

std::string tree_name(const kernels::KernelTable& table, DType type, int cols,
                      const FeedForwardShape& shape) {
  std::string isa = table.name;
  std::replace(isa.begin(), isa.end(), '_', '-');
  return "feedforward_" + isa + "_" + name_of(type) + "_" + std::to_string(cols) + "_" + shape.name;
}

void run_trees(benchmark::State& state, const kernels::KernelTable& table, DType type, int cols,
               const FeedForwardShape& shape) {
  // Those of one type and width at a time: all together would take 7 GB.
  static std::map<std::string, std::unique_ptr<TreeLayers>> current;
  static DType current_type;
  static int current_cols = 0;
  if (current_cols != cols || current_type != type) current.clear();
  current_type = type;
  current_cols = cols;
  std::unique_ptr<TreeLayers>& layers = current[shape.name];
  if (layers == nullptr) layers = std::make_unique<TreeLayers>(type, cols, shape);
  const int tokens = static_cast<int>(state.range(0));
  time_calls(
      state, [&] { layers->draw(tokens); }, [&] { layers->run(table, tokens); });
}

void add_trees(const kernels::KernelTable& table, DType type, int cols) {
  for (const FeedForwardShape& shape : kFeedForwards) {
    const auto registered = benchmark::RegisterBenchmark(
        tree_name(table, type, cols, shape).c_str(),
        [=, &table](benchmark::State& state) { run_trees(state, table, type, cols, shape); });
    for (const int tokens : kTreeTokens) registered->Arg(tokens);
    registered->UseManualTime()->Unit(benchmark::kMicrosecond);
  }
}

// The width at which the line that fits the dense layers' times best reaches a time.
double equal_width(const std::map<int, double>& dense, double time) {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const auto& [width, at] : dense) {
    const double w = width;
    n += 1, x += w, y += at, xx += w * w, xy += w * at;
  }
  const double slope = (n * xy - x * y) / (n * xx - x * x);
  return (time - (y - slope * x) / n) / slope;
}

void print_trees(const Reporter& reporter, const kernels::KernelTable& table, DType type,
                 int cols) {
  std::printf(
      "\n%s, %s, hidden %d: us a layer over no feedforward, and the dense width of equal "
      "time\n%8s",
      table.name, name_of(type), cols, "tokens");
  for (const FeedForwardShape& shape : kFeedForwards) std::printf(" %16s", shape.name);
  for (const int tokens : kTreeTokens) {
    std::map<int, double> dense;
    double none = 0;
    std::printf("\n%8d", tokens);
    for (const FeedForwardShape& shape : kFeedForwards) {
      const double time = reporter.microseconds(tree_name(table, type, cols, shape) + "/" +
                                                std::to_string(tokens)) /
                          TreeLayers::kLayers;
      if (shape.trees == 0 && shape.width == 0) none = time;
      if (shape.trees == 0 && shape.width > 0) dense[shape.width] = time;
      if (shape.trees == 0 || time == 0 || dense.size() < 2) {
        std::printf(" %16.2f", shape.width == 0 ? time : time - none);
      } else {
        std::printf(" %9.2f (%4.0f)", time - none, equal_width(dense, time));
      }
    }
  }
  std::printf("\n");
}

int main_of_bench(int argc, char** argv) {
  use_one_thread(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const DType type : kTypes) {
    for (const int tokens : kTokens) {
      for (const bool cold : {false, true}) {
        for (const Contestant contestant :
             {Contestant::cmm, Contestant::onednn, Contestant::dense}) {
          benchmark::RegisterBenchmark(
              benchmark_name(type, contestant, cold).c_str(),
              [=](benchmark::State& state) { run(state, type, contestant, cold); })
              ->Arg(tokens)
              ->UseManualTime()
              ->Unit(benchmark::kMicrosecond);
        }
      }
    }
  }
  for (const DType type : kTypes) {
    for (const int cols : kTreeCols) {
      for (const auto* table : tree_tables()) add_trees(*table, type, cols);
    }
  }
  std::printf("kernels: %s\n", kernels::select_table("auto")->name);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  const double float_peak = peak_multiply_adds(DType::f32);
  std::printf(
      "\nmeasured: %.1f GB/s of reading 512 MiB, %.0f GMAC/s of f32, %.0f of bf16, %.0f of int8\n",
      1e-9 * read_bandwidth(std::size_t{512} << 20), 1e-9 * float_peak,
      1e-9 * peak_multiply_adds(DType::bf16), 1e-9 * peak_multiply_adds(DType::int8));
  for (const DType type : kTypes) {
    for (const bool cold : {false, true}) {
      if (reporter.any(benchmark_name(type, Contestant::cmm, cold))) {
        print_table(reporter, type, cold, peak_multiply_adds(type), float_peak);
      }
    }
  }
  for (const auto* table : tree_tables()) {
    for (const DType type : kTypes) {
      for (const int cols : kTreeCols) {
        if (!reporter.any(tree_name(*table, type, cols, kFeedForwards[0]))) continue;
        print_trees(reporter, *table, type, cols);
      }
    }
  }
  return 0;
}

}  // namespace
}  // namespace sapwood::bench

int main(int argc, char** argv) { return sapwood::bench::main_of_bench(argc, argv); }
