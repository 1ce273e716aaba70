// Kernels over the shapes of real models, each instruction set beside oneDNN and Eigen, fp32, one
// thread.
//
// Products rotate through the weights of several layers, so that they are as cold as in a model;
// outputs are compared with oneDNN's before anything is timed. Columns: GFLOP/s, or GB/s read and
// written.
#include <Eigen/Core>
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

struct Shape {
  int k, n;
  bool gelu;
};
// DistilBERT's and BERT's products: feedforward up and down, attention output, fused QKV.
constexpr Shape kShapes[] = {
    {768, 3072, true}, {3072, 768, false}, {768, 768, false}, {768, 2304, false}};
constexpr int kRows[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024};
constexpr int kMostRows = 1024;

std::string shape_name(const Shape& s) {
  return "k" + std::to_string(s.k) + "n" + std::to_string(s.n);
}

// One shape's weights for as many layers as make them cold: more than any cache here holds of one
// core's.
struct Weights {
  Shape shape;
  std::vector<Buffer> raw, packed, onednn;
  Buffer bias;
  std::unique_ptr<OnednnProduct> product;
  int rows = 0;

  explicit Weights(const Shape& s) : shape(s), bias(s.n) {
    const std::size_t size = std::size_t(s.k) * s.n;
    const int layers = static_cast<int>(std::size_t{48} * 768 * 1536 / size) + 1;
    fill_random(bias.data(), s.n, 0.1f, 7);
    for (int i = 0; i < layers; ++i) {
      raw.emplace_back(size);
      packed.emplace_back(size);
      onednn.emplace_back(size * 5 / 4);
      fill_random(raw.back().data(), size, 0.03f, i + 1);
      pack_linear(raw.back().data(), s.n, s.k, packed.back().data());
    }
  }

  // oneDNN's layout depends on the number of rows.
  void prepare(int m) {
    if (rows == m) return;
    rows = m;
    product = std::make_unique<OnednnProduct>(m, shape.n, shape.k, shape.gelu);
    require(product->weight_bytes() <= onednn[0].size() * 4,
            "oneDNN's weights are larger than expected");
    for (std::size_t i = 0; i < raw.size(); ++i) product->pack(raw[i].data(), onednn[i].data());
  }
};

struct World {
  std::vector<Weights> weights;
  Buffer x{std::size_t{kMostRows} * 3072}, y{std::size_t{kMostRows} * 3072};
  Buffer other{std::size_t{kMostRows} * 3072};
  World() {
    for (const Shape& shape : kShapes) weights.emplace_back(shape);
    fill_random(x.data(), x.size(), 1.0f, 3);
  }
};

World& world() {
  static World instance;
  return instance;
}

void sapwood_product(const KernelTable& table, Weights& w, std::size_t layer, int m, float* y) {
  const Shape& s = w.shape;
  table.linear_f32({.x = world().x.data(),
                    .x_stride = s.k,
                    .panels = w.packed[layer].data(),
                    .bias = w.bias.data(),
                    .y = y,
                    .y_stride = s.n,
                    .m = m,
                    .n = s.n,
                    .k = s.k,
                    .activation = s.gelu ? Activation::gelu : Activation::none,
                    .panel_begin = 0,
                    .panel_end = s.n / kPanelWidth});
}

void eigen_product(Weights& w, std::size_t layer, int m, float* y) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Shape& s = w.shape;
  Eigen::Map<const Matrix> x(world().x.data(), m, s.k), weights(w.raw[layer].data(), s.n, s.k);
  Eigen::Map<const Eigen::RowVectorXf> bias(w.bias.data(), s.n);
  Eigen::Map<Matrix> out(y, m, s.n);
  out.noalias() = x * weights.transpose();
  out.rowwise() += bias;  // no GELU: Eigen is let off it
}

template <typename F>
void product(benchmark::State& state, Weights& w, int m, const F& f) {
  std::size_t layer = 0;
  time_calls(
      state, [&] { layer = (layer + 1) % w.raw.size(); }, [&] { f(layer); });
  const double flops = 2.0 * m * w.shape.n * w.shape.k;
  state.counters["GFLOP/s"] = flops / state.counters["median"] * 1e-3;
  state.counters["GB/s"] = 4.0 * w.shape.n * w.shape.k / state.counters["median"] * 1e-3;
}

void compare() {
  for (Weights& w : world().weights) {
    for (const int m : {1, 5, 32, 130}) {
      w.prepare(m);
      w.product->run(world().x.data(), w.onednn[0].data(), w.bias.data(), world().other.data());
      for (const KernelTable* table : available_tables()) {
        sapwood_product(*table, w, 0, m, world().y.data());
        require(largest_error(world().y.data(), world().other.data(), std::size_t(m) * w.shape.n) <
                    1e-4,
                std::string(table->name) + " linear differs from oneDNN, " + shape_name(w.shape));
      }
    }
  }
}

benchmark::internal::Benchmark* add(const std::string& name,
                                    std::function<void(benchmark::State&)> f) {
  return benchmark::RegisterBenchmark(name.c_str(), [f](benchmark::State& state) { f(state); })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void add_products() {
  for (Weights& weights : world().weights) {
    Weights* w = &weights;
    for (const int m : kRows) {
      const std::string end = shape_name(w->shape) + "m" + std::to_string(m);
      for (const KernelTable* table : available_tables()) {
        if (table->isa == Isa::scalar && m > 32) continue;  // seconds a call
        add("linear_" + std::string(table->name) + "/" + end, [=](benchmark::State& state) {
          product(state, *w, m, [&](std::size_t layer) {
            sapwood_product(*table, *w, layer, m, world().y.data());
          });
        });
      }
      add("linear_onednn/" + end, [=](benchmark::State& state) {
        w->prepare(m);
        product(state, *w, m, [&](std::size_t layer) {
          w->product->run(world().x.data(), w->onednn[layer].data(), w->bias.data(),
                          world().y.data());
        });
      });
      add("linear_eigen/" + end, [=](benchmark::State& state) {
        product(state, *w, m,
                [&](std::size_t layer) { eigen_product(*w, layer, m, world().y.data()); });
      });
    }
  }
}

void add_attention() {
  for (const KernelTable* table : available_tables()) {
    for (const int head_dim : {64, 32}) {
      for (const int length : {4, 8, 32, 128, 384, 512}) {
        add("attention_" + std::string(table->name) + "/h12d" + std::to_string(head_dim) + "t" +
                std::to_string(length),
            [=](benchmark::State& state) {
              Buffer scratch(attention_scratch(length, head_dim));
              time_calls(
                  state, [] {},
                  [&] {
                    table->attention_f32({world().x.data(), world().y.data(), DType::f32,
                                          scratch.data(), length, 12, head_dim, 0, 12,
                                          1.0f / std::sqrt(static_cast<float>(head_dim))});
                  });
              state.counters["GFLOP/s"] =
                  4.0 * 12 * length * length * head_dim / state.counters["median"] * 1e-3;
            });
      }
    }
  }
}

void add_row_wise() {
  static const Buffer ones = [] {
    Buffer buffer(3072);
    for (std::size_t i = 0; i < buffer.size(); ++i) buffer.data()[i] = 1.0f;
    return buffer;
  }();
  for (const KernelTable* table : available_tables()) {
    const std::string name = table->name;
    for (const int rows : {8, 128}) {
      const std::string end = std::to_string(rows) + "x768";
      const auto bytes = [rows](benchmark::State& state, int touched) {
        state.counters["GB/s"] = 4.0 * rows * 768 * touched / state.counters["median"] * 1e-3;
      };
      add("layer_norm_" + name + "/" + end, [=](benchmark::State& state) {
        time_calls(
            state, [] {},
            [&] {
              table->layer_norm({world().x.data(), world().other.data(), ones.data(), ones.data(),
                                 world().y.data(), nullptr, rows, 768, 1e-12f});
            });
        bytes(state, 3);
      });
      add("gelu_glu_" + name + "/" + end, [=](benchmark::State& state) {
        time_calls(
            state, [] {},
            [&] {
              table->gelu_glu({world().x.data(), world().y.data(), rows, 768});
            });
        bytes(state, 3);
      });
      add("softmax_" + name + "/" + end, [=](benchmark::State& state) {
        std::memcpy(world().y.data(), world().x.data(), sizeof(float) * rows * 768);
        time_calls(
            state, [] {},
            [&] {
              table->softmax({world().y.data(), 768, rows, 768});
            });
        bytes(state, 2);
      });
    }
  }
}

void print_ratios(const Reporter& reporter) {
  std::printf("\nproducts, us a call, and oneDNN's time over ours\n%-12s %6s", "shape", "rows");
  for (const KernelTable* table : available_tables()) std::printf(" %10s", table->name);
  std::printf(" %10s %10s %8s\n", "oneDNN", "Eigen", "ratio");
  for (const Shape& shape : kShapes) {
    for (const int m : kRows) {
      const std::string end = "/" + shape_name(shape) + "m" + std::to_string(m) + "/";
      const double onednn = reporter.microseconds("linear_onednn" + end);
      if (onednn == 0) continue;
      std::printf("%-12s %6d", shape_name(shape).c_str(), m);
      for (const KernelTable* table : available_tables()) {
        std::printf(" %10.1f", reporter.microseconds("linear_" + std::string(table->name) + end));
      }
      const double best =
          reporter.microseconds("linear_" + std::string(available_tables()[0]->name) + end);
      std::printf(" %10.1f %10.1f %8.2f\n", onednn, reporter.microseconds("linear_eigen" + end),
                  best > 0 ? onednn / best : 0);
    }
  }
}

int main_of_bench(int argc, char** argv) {
  use_one_thread(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  compare();
  add_products();
  add_attention();
  add_row_wise();
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  print_ratios(reporter);
  return 0;
}

}  // namespace
}  // namespace sapwood::bench

int main(int argc, char** argv) { return sapwood::bench::main_of_bench(argc, argv); }
