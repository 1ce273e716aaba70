// Kernels over the shapes of real models, each instruction set, one thread: products (products.cc),
// attention and row-wise operations. Columns: GFLOP/s, or GB/s read and written.
#include <cmath>
#include <cstring>
#include <string>

#include "common.h"
#include "products.h"
#include "types.h"

namespace sapwood::bench {
namespace {

using namespace kernels;

constexpr std::size_t kMost = std::size_t{1024} * 3072;

struct World {
  Buffer x{kMost}, y{kMost}, other{kMost};
  World() { fill_random(x.data(), x.size(), 1.0f, 3); }
};

World& world() {
  static World instance;
  return instance;
}

void add_attention() {
  for (const KernelTable* table : tables_with_own(&KernelTable::attention_f32)) {
    for (const int head_dim : {64, 32}) {
      for (const int length : {4, 8, 32, 128, 384, 512}) {
        add_benchmark(
            "attention_" + std::string(table->name) + "/h12d" + std::to_string(head_dim) + "t" +
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

// As ModernBERT's local layers: 64 keys to either side. And with MPNet's bias of each distance.
void add_local_attention() {
  for (const KernelTable* table : tables_with_own(&KernelTable::attention_f32)) {
    for (const bool bias : {false, true}) {
      for (const int length : {128, 512}) {
        add_benchmark("attention_" + std::string(table->name) + (bias ? "/bias" : "/reach64") +
                          "h12d64t" + std::to_string(length),
                      [=](benchmark::State& state) {
                        Buffer scratch(attention_scratch(length, 64));
                        AttentionArgs args{world().x.data(),
                                           world().y.data(),
                                           DType::f32,
                                           scratch.data(),
                                           length,
                                           12,
                                           64,
                                           0,
                                           12,
                                           0.125f};
                        if (bias) {
                          args.bias = world().other.data() + length;
                          args.bias_stride = 2 * length;
                        } else {
                          args.reach = 64;
                        }
                        time_calls(
                            state, [] {}, [&] { table->attention_f32(args); });
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
  for (const KernelTable* table : tables_with_own(&KernelTable::layer_norm)) {
    const std::string name = table->name;
    for (const int rows : {8, 128}) {
      const std::string end = std::to_string(rows) + "x768";
      const auto bytes = [rows](benchmark::State& state, int touched) {
        state.counters["GB/s"] = 4.0 * rows * 768 * touched / state.counters["median"] * 1e-3;
      };
      add_benchmark("layer_norm_" + name + "/" + end, [=](benchmark::State& state) {
        time_calls(
            state, [] {},
            [&] {
              table->layer_norm({world().x.data(), world().other.data(), ones.data(), ones.data(),
                                 world().y.data(), nullptr, rows, 768, 1e-12f});
            });
        bytes(state, 3);
      });
      add_benchmark("gelu_glu_" + name + "/" + end, [=](benchmark::State& state) {
        time_calls(
            state, [] {},
            [&] {
              table->glu({world().x.data(), world().y.data(), rows, 768, Activation::gelu});
            });
        bytes(state, 3);
      });
    }
  }
}

int main_of_bench(int argc, char** argv) {
  use_one_thread(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  add_products();
  add_attention();
  add_local_attention();
  add_row_wise();
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  print_products(reporter);
  return 0;
}

}  // namespace
}  // namespace sapwood::bench

int main(int argc, char** argv) { return sapwood::bench::main_of_bench(argc, argv); }
