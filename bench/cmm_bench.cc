// One feedforward layer 768 -> 4095 -> 768, fp32, one thread: CMM over a tree of depth 11 beside
// the fastest dense layer of that shape (ours, oneDNN's), from one token to thousands.
//
// Weights and inputs are random and written. Every call gets fresh tokens, copied into the input
// buffer before the clock starts (in a model the layer before has just written them), so paths
// differ from call to call. "hot" repeats one layer, "cold" rotates through 16 layers' weights.
// Outputs are compared before anything is timed.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>

#include "common.h"
#include "onednn.h"
#include "sapwood/kernels/dispatch.h"
#include "sapwood/kernels/pack.h"

namespace sapwood::bench {
namespace {

using namespace kernels;

constexpr int kCols = 768, kDepth = 11, kNodes = 4095, kLayers = 16;
constexpr int kTokens[] = {1, 2, 4, 8, 16, 32, 128, 512, 4096};
constexpr int kMostTokens = 4096;
constexpr int kPool = 16384;  // distinct tokens to draw from

struct Layer {
  Buffer in, out;  // [4095, 768] and [768, 4095] as in a checkpoint
  Buffer nodes;    // CMM
  std::vector<FffNode> params;
  Buffer up, down;                // ours, dense
  Buffer bias, zeros;             // [4096] each
  Buffer onednn_up, onednn_down;  // oneDNN's layouts for the token count that was prepared last
};

struct World {
  const KernelTable& table = *select_table("auto");
  std::vector<Layer> layers;
  Buffer pool{std::size_t{kPool} * kCols};
  Buffer x{std::size_t{kMostTokens} * kCols}, y{std::size_t{kMostTokens} * kCols};
  Buffer reference{std::size_t{kMostTokens} * kCols}, hidden{std::size_t{kMostTokens} * 4096};
  Buffer scratch{fff_scratch(kMostTokens, kDepth) / sizeof(float)};
  std::unique_ptr<OnednnProduct> onednn_up, onednn_down;
  int onednn_tokens = 0;
  int next_token = 0, next_layer = 0;

  World() {
    constexpr std::size_t kSize = std::size_t{kNodes} * kCols;
    for (int i = 0; i < kLayers; ++i) {
      layers.push_back({Buffer(kSize),
                        Buffer(kSize),
                        Buffer(kSize * 2),
                        {},
                        Buffer(packed_linear_size(kNodes, kCols)),
                        Buffer(packed_linear_size(kCols, kNodes)),
                        Buffer(4096),
                        Buffer(4096),
                        Buffer(kSize * 5 / 4),
                        Buffer(kSize * 5 / 4)});
      Layer& layer = layers.back();
      fill_random(layer.in.data(), kSize, 0.036f, 3 * i + 1);
      fill_random(layer.out.data(), kSize, 0.036f, 3 * i + 2);
      fill_random(layer.bias.data(), kNodes, 0.1f, 3 * i + 3);
      std::memset(layer.zeros.data(), 0, 4096 * sizeof(float));
      layer.params.resize(kNodes);
      pack_fff(layer.in.data(), layer.out.data(), layer.bias.data(), 1, kDepth, kCols, DType::f32,
               DType::f32, layer.nodes.data(), layer.params.data());
      pack_linear(layer.in.data(), kNodes, kCols, layer.up.data());
      pack_linear(layer.out.data(), kCols, kNodes, layer.down.data());
    }
    fill_random(pool.data(), pool.size(), 1.0f, 99);
  }

  // Fresh tokens in x, and the layer to use.
  Layer& draw(int tokens, bool cold) {
    if (next_token + tokens > kPool) next_token = 0;
    std::memcpy(x.data(), pool.data() + std::size_t(next_token) * kCols,
                sizeof(float) * kCols * tokens);
    next_token += tokens;
    if (!cold) return layers[0];
    next_layer = (next_layer + 1) % kLayers;
    return layers[next_layer];
  }

  void cmm(const KernelTable& with, const Layer& layer, int tokens, float* out) {
    with.fff_f32({.x = x.data(),
                  .x_stride = kCols,
                  .x_scales = nullptr,
                  .residual = nullptr,
                  .residual_stride = 0,
                  .nodes = layer.nodes.data(),
                  .params = layer.params.data(),
                  .y = out,
                  .y_stride = kCols,
                  .scratch = scratch.data(),
                  .rows = tokens,
                  .cols = kCols,
                  .trees = 1,
                  .depth = kDepth,
                  .in_type = DType::f32,
                  .out_type = DType::f32});
  }

  void dense(const Layer& layer, int tokens, float* out) {
    product(x.data(), kCols, layer.up, layer.bias.data(), hidden.data(), tokens, kNodes,
            Activation::gelu);
    product(hidden.data(), kNodes, layer.down, nullptr, out, tokens, kCols, Activation::none);
  }

  void product(const float* in, int k, const Buffer& panels, const float* bias, float* out, int m,
               int n, Activation activation) {
    table.linear_f32({.x = in,
                      .x_stride = k,
                      .panels = panels.data(),
                      .bias = bias,
                      .y = out,
                      .y_stride = n,
                      .m = m,
                      .n = n,
                      .k = k,
                      .activation = activation,
                      .panel_begin = 0,
                      .panel_end = static_cast<int>(round_up(n, kPanelWidth) / kPanelWidth)});
  }

  // oneDNN chooses layouts by shape; the layers are packed again where the number of tokens
  // changes.
  void prepare_onednn(int tokens) {
    if (onednn_tokens == tokens) return;
    onednn_tokens = tokens;
    onednn_up = std::make_unique<OnednnProduct>(tokens, kNodes, kCols, true);
    onednn_down = std::make_unique<OnednnProduct>(tokens, kCols, kNodes, false);
    for (Layer& layer : layers) {
      require(onednn_up->weight_bytes() <= layer.onednn_up.size() * 4 &&
                  onednn_down->weight_bytes() <= layer.onednn_down.size() * 4,
              "oneDNN's packed weights are larger than expected");
      onednn_up->pack(layer.in.data(), layer.onednn_up.data());
      onednn_down->pack(layer.out.data(), layer.onednn_down.data());
    }
  }

  void onednn(const Layer& layer, int /*tokens*/, float* out) {
    onednn_up->run(x.data(), layer.onednn_up.data(), layer.bias.data(), hidden.data());
    onednn_down->run(hidden.data(), layer.onednn_down.data(), layer.zeros.data(), out);
  }

  // CMM against the scalar table, dense against oneDNN. A decision that rounding turns gives other
  // values in a whole row: few rows may differ, the others must agree.
  void compare(int tokens) {
    const Layer& layer = draw(tokens, true);
    cmm(table, layer, tokens, y.data());
    cmm(*find_table(Isa::scalar), layer, tokens, reference.data());
    int different = 0;
    for (int i = 0; i < tokens; ++i) {
      const std::size_t at = std::size_t(i) * kCols;
      different += largest_error(y.data() + at, reference.data() + at, kCols) > 1e-5;
    }
    require(different <= tokens / 1000, "CMM differs from the scalar table");
    prepare_onednn(tokens);
    onednn(layer, tokens, reference.data());
    dense(layer, tokens, y.data());
    require(largest_error(y.data(), reference.data(), std::size_t(tokens) * kCols) < 1e-4,
            "the dense layer differs from oneDNN's");
  }
};

World& world() {
  static World instance;
  return instance;
}

template <typename F>
void run(benchmark::State& state, bool cold, const F& layer) {
  const int tokens = static_cast<int>(state.range(0));
  const Layer* with = nullptr;
  time_calls(
      state, [&] { with = &world().draw(tokens, cold); }, [&] { layer(*with, tokens); });
}

void add(const std::string& name, int tokens, void (*function)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name.c_str(), function)
      ->Arg(tokens)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

template <bool kCold>
void cmm(benchmark::State& state) {
  run(state, kCold,
      [](const Layer& l, int n) { world().cmm(world().table, l, n, world().y.data()); });
}
template <bool kCold>
void dense(benchmark::State& state) {
  run(state, kCold, [](const Layer& l, int n) { world().dense(l, n, world().y.data()); });
}
template <bool kCold>
void onednn(benchmark::State& state) {
  world().prepare_onednn(static_cast<int>(state.range(0)));
  run(state, kCold, [](const Layer& l, int n) { world().onednn(l, n, world().y.data()); });
}

void print_ratios(const Reporter& reporter) {
  std::printf(
      "\n%8s %10s %10s %10s %8s %10s %10s %10s %8s   (us a layer; ratio = fastest dense / CMM)\n",
      "tokens", "hot: cmm", "sapwood", "oneDNN", "ratio", "cold: cmm", "sapwood", "oneDNN",
      "ratio");
  for (const int tokens : kTokens) {
    std::printf("%8d", tokens);
    for (const std::string heat : {"hot", "cold"}) {
      const std::string end = heat + "/" + std::to_string(tokens);
      const double c = reporter.microseconds("cmm_" + end);
      const double d = reporter.microseconds("dense_" + end),
                   o = reporter.microseconds("onednn_" + end);
      const double best = d > 0 && (d < o || o == 0) ? d : o;
      std::printf(" %10.2f %10.1f %10.1f %8.1f", c, d, o, c > 0 ? best / c : 0.0);
    }
    std::printf("\n");
  }
}

}  // namespace

static int main_of_bench(int argc, char** argv) {
  use_one_thread(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  for (const int tokens : kTokens) {
    add("cmm_hot", tokens, &cmm<false>);
    add("onednn_hot", tokens, &onednn<false>);
    add("dense_hot", tokens, &dense<false>);
    add("cmm_cold", tokens, &cmm<true>);
    add("onednn_cold", tokens, &onednn<true>);
    add("dense_cold", tokens, &dense<true>);
  }
  for (const int tokens : {1, 8, 33, 512}) world().compare(tokens);
  std::printf("kernels: %s\n", world().table.name);
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  print_ratios(reporter);
  return 0;
}

}  // namespace sapwood::bench

int main(int argc, char** argv) { return sapwood::bench::main_of_bench(argc, argv); }
