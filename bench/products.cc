#include "products.h"

#include <Eigen/Core>
#include <cstdio>
#include <map>
#include <memory>

#include "limits.h"
#include "onednn.h"
#include "sapwood/kernels/dispatch.h"
#include "types.h"

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
constexpr int kMostRows = 1024, kWidest = 3072;

struct Layer {
  Buffer raw, onednn;
  Panels panels;
};

// One product's weights for as many layers as make them cold: more than any cache here holds of one
// core's.
struct Product {
  const DType type;
  const Shape shape;
  std::vector<Layer> layers;
  Buffer bias, x, y, other;
  std::vector<RowScale> scales;
  std::unique_ptr<OnednnProduct> onednn;
  int onednn_rows = 0;

  Product(DType type_, const Shape& s)
      : type(type_),
        shape(s),
        bias(s.n),
        x(floats_of(std::int64_t{kMostRows} * s.k, type)),
        y(std::size_t{kMostRows} * s.n),
        other(std::size_t{kMostRows} * s.n),
        scales(kMostRows) {
    const std::size_t size = std::size_t(s.k) * s.n;
    const double bytes = static_cast<double>(size) * element_bytes(type);
    constexpr double kCold = 48.0 * 768 * 1536 * 4;
    const int count = static_cast<int>(kCold / bytes) + 1;
    fill_random(bias.data(), s.n, 0.1f, 7);
    for (int i = 0; i < count; ++i) {
      Buffer raw(size);
      fill_random(raw.data(), size, 0.03f, i + 1);
      Panels panels = pack(type, raw.data(), s.n, s.k);
      layers.push_back(
          {std::move(raw), Buffer(floats_of(std::int64_t(size * 5 / 4), type)), std::move(panels)});
    }
    Buffer wide(std::size_t{kMostRows} * s.k);
    fill_random(wide.data(), wide.size(), 1.0f, 3);
    narrow(*select_table("auto"), type, {wide.data(), kMostRows, s.k, x.data(), scales.data()});
  }

  std::string name() const { return "k" + std::to_string(shape.k) + "n" + std::to_string(shape.n); }

  // oneDNN's layout depends on the number of rows. False where it has no such product here.
  bool prepare(int m) {
    if (onednn_rows == m) return onednn != nullptr;
    onednn_rows = m;
    onednn = OnednnProduct::make(type, {m, shape.n, shape.k, shape.gelu, false});
    if (onednn == nullptr) return false;
    for (Layer& layer : layers) {
      require(onednn->weight_bytes() <= layer.onednn.size() * 4,
              "oneDNN's weights are larger than expected");
      onednn->pack(layer.raw.data(), layer.onednn.data());
    }
    return true;
  }

  void ours(const KernelTable& table, std::size_t layer, int m, float* to) {
    const Panels& panels = layers[layer].panels;
    linear(table, type,
           {.x = x.data(),
            .x_stride = shape.k,
            .x_scales = scales.data(),
            .panels = panels.weights.data(),
            .scales = panels.scales.data(),
            .sums = panels.sums.data(),
            .bias = bias.data(),
            .y = to,
            .y_stride = shape.n,
            .m = m,
            .n = shape.n,
            .k = shape.k,
            .activation = shape.gelu ? Activation::gelu : Activation::none,
            .panel_begin = 0,
            .panel_end = shape.n / kPanelWidth});
  }

  void eigen(std::size_t layer, int m) {
    using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<const Matrix> in(x.data(), m, shape.k);
    Eigen::Map<const Matrix> weights(layers[layer].raw.data(), shape.n, shape.k);
    Eigen::Map<const Eigen::RowVectorXf> row(bias.data(), shape.n);
    Eigen::Map<Matrix> out(y.data(), m, shape.n);
    out.noalias() = in * weights.transpose();
    out.rowwise() += row;  // no GELU: Eigen is let off it
  }

  void compare() {
    for (const int m : {1, 5, 32, 130}) {
      const std::size_t size = std::size_t(m) * shape.n;
      if (type != DType::int8 && prepare(m)) {
        onednn->run(x.data(), layers[0].onednn.data(), bias.data(), other.data());
      } else {
        ours(*find_table(Isa::scalar), 0, m, other.data());
      }
      for (const KernelTable* table : available_tables()) {
        ours(*table, 0, m, y.data());
        require(largest_error(y.data(), other.data(), size) < (type == DType::bf16 ? 1e-3 : 1e-4),
                std::string(table->name) + " linear " + name_of(type) + " differs, " + name());
      }
    }
  }
};

// One type at a time: all together would need more memory than they are worth.
Product& product(DType type, const Shape& shape) {
  static std::unique_ptr<Product> current;
  if (current == nullptr || current->type != type || current->shape.k != shape.k ||
      current->shape.n != shape.n) {
    current.reset();
    current = std::make_unique<Product>(type, shape);
    current->compare();
  }
  return *current;
}

std::vector<const KernelTable*> tables_for(DType type) {
  return type == DType::f32    ? tables_with_own(&KernelTable::linear_f32)
         : type == DType::bf16 ? tables_with_own(&KernelTable::linear_bf16)
                               : tables_with_own(&KernelTable::linear_int8);
}

// The least time that one call can take, in us: its weights at the bandwidth of reading as much as
// all layers are, or its multiply-adds.
double least_us(DType type, const Shape& shape, int m) {
  static const double bandwidth = read_bandwidth(std::size_t{256} << 20);
  static std::map<DType, double> peaks;
  double& peak = peaks[type];
  if (peak == 0) peak = peak_multiply_adds(type);
  const double elements = static_cast<double>(shape.k) * shape.n;
  return 1e6 * std::max(elements * element_bytes(type) / bandwidth, elements * m / peak);
}

template <typename F>
void time_product(benchmark::State& state, DType type, const Shape& shape, int m, const F& f) {
  Product& p = product(type, shape);
  std::size_t layer = 0;
  time_calls(
      state, [&] { layer = (layer + 1) % p.layers.size(); }, [&] { f(p, layer); });
  const double elements = static_cast<double>(shape.k) * shape.n, us = state.counters["median"];
  state.counters["GMAC/s"] = elements * m / us * 1e-3;
  state.counters["GB/s"] = elements * element_bytes(type) / us * 1e-3;
  state.counters["limit %"] = 100 * least_us(type, shape, m) / us;
}

std::string benchmark_name(DType type, const std::string& who, const Shape& shape, int m) {
  return "linear_" + std::string(name_of(type)) + "_" + who + "/k" + std::to_string(shape.k) + "n" +
         std::to_string(shape.n) + "m" + std::to_string(m);
}

void add_product(DType type, const Shape& shape, int m) {
  for (const KernelTable* table : tables_for(type)) {
    if (table->isa == Isa::scalar && m > 32) continue;  // seconds a call
    add_benchmark(benchmark_name(type, word_of(*table), shape, m), [=](benchmark::State& state) {
      time_product(state, type, shape, m,
                   [&](Product& p, std::size_t layer) { p.ours(*table, layer, m, p.y.data()); });
    });
  }
  add_benchmark(benchmark_name(type, "onednn", shape, m), [=](benchmark::State& state) {
    if (!product(type, shape).prepare(m)) {
      return state.SkipWithError("oneDNN has no product of this type for this processor");
    }
    time_product(state, type, shape, m, [&](Product& p, std::size_t layer) {
      p.onednn->run(p.x.data(), p.layers[layer].onednn.data(), p.bias.data(), p.y.data());
    });
  });
  if (type != DType::f32) return;
  add_benchmark(benchmark_name(type, "eigen", shape, m), [=](benchmark::State& state) {
    time_product(state, type, shape, m, [&](Product& p, std::size_t layer) { p.eigen(layer, m); });
  });
}

}  // namespace

void add_products() {
  for (const DType type : kTypes) {
    for (const Shape& shape : kShapes) {
      for (const int m : kRows) add_product(type, shape, m);
    }
  }
}

void print_products(const Reporter& reporter) {
  std::printf("\nproducts, us a call; limit: of the measured bandwidth or multiply-adds\n");
  std::printf("%-5s %-12s %6s %13s %10s %10s %10s %8s %7s\n", "type", "shape", "rows", "kernel",
              "us", "oneDNN", "Eigen", "ratio", "limit");
  for (const DType type : kTypes) {
    for (const Shape& shape : kShapes) {
      for (const int m : kRows) {
        const auto us = [&](const std::string& who) {
          return reporter.microseconds(benchmark_name(type, who, shape, m) + "/");
        };
        const KernelTable& best = *tables_for(type).front();
        const double ours = us(word_of(best));
        if (ours == 0) continue;
        const double onednn = us("onednn");
        std::printf("%-5s k%-4dn%-5d %6d %13s %10.1f %10.1f %10.1f %8.2f %6.0f%%\n", name_of(type),
                    shape.k, shape.n, m, best.name, ours, onednn, us("eigen"), onednn / ours,
                    100 * least_us(type, shape, m) / ours);
      }
    }
  }
}

}  // namespace sapwood::bench
