#include "calibrate.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>

#include "sapwood/error.h"
#include "sapwood/kernels/dispatch.h"
#include "sapwood/kernels/pack.h"
#include "sapwood/kernels/processor.h"

namespace sapwood::cli {
namespace {

using namespace kernels;

// The shapes of all-MiniLM-L6-v2: a product of its feedforward, its attention; and eight trees of depth 7.
constexpr int kCols = 384, kOutputs = 1536, kHeads = 12, kHeadDim = 32, kTrees = 8, kDepth = 7;
// So many layers take turns, whose weights come from beyond the second level, as in a model.
constexpr int kLayers = 8;
constexpr double kNear = 1.03;  // the present choice stays where the fastest is no faster than this

// Memory that kernels read and write: aligned, and written once.
class Buffer {
 public:
  explicit Buffer(std::int64_t bytes)
      : bytes_(round_up(std::max<std::int64_t>(bytes, 1), kAlignment)),
        data_(static_cast<std::byte*>(
                  std::aligned_alloc(kAlignment, static_cast<std::size_t>(bytes_))),
              std::free) {
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(data_.get(), 0, static_cast<std::size_t>(bytes_));
  }
  std::byte* bytes() const { return data_.get(); }
  float* floats() const { return reinterpret_cast<float*>(data_.get()); }

 private:
  std::int64_t bytes_;
  std::unique_ptr<std::byte, void (*)(void*)> data_;
};

std::vector<float> random_floats(std::int64_t count, float scale, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> any(-scale, scale);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = any(random);
  return values;
}

// Rows of x in a type, as the tables of this processor all make them.
struct Rows {
  Rows(DType type, int rows, int cols)
      : stride(round_up(cols, elements_per_word(type))),
        data(rows * stride * 4 / elements_per_word(type)),
        scales(static_cast<std::size_t>(rows)) {
    const std::vector<float> x = random_floats(std::int64_t{rows} * cols, 1.0f, 3);
    const KernelTable& scalar = *find_table(kernels::Isa::scalar);
    if (type == DType::f32) std::memcpy(data.bytes(), x.data(), x.size() * sizeof(float));
    if (type == DType::bf16) {
      scalar.to_bf16({x.data(), reinterpret_cast<Bf16*>(data.bytes()), stride, rows, cols});
    }
    if (type == DType::int8) {
      scalar.quantize({x.data(), reinterpret_cast<std::uint8_t*>(data.bytes()), stride,
                       scales.data(), rows, cols});
    }
  }
  std::int64_t stride;
  Buffer data;
  std::vector<RowScale> scales;
};

// An operation of one size: runs a table's kernel on the layer of that number, into y.
struct Trial {
  std::function<void(const KernelTable& table, int layer)> run;
  std::shared_ptr<Buffer> y;
  std::int64_t outputs;
};

struct LinearLayers {
  explicit LinearLayers(DType type)
      : scales(kOutputs), sums(kOutputs), bias(random_floats(kOutputs, 0.1f, 5)) {
    const std::int64_t elements = std::int64_t{kOutputs} * kCols;
    const std::vector<float> w = random_floats(elements, 0.05f, 4);
    for (int i = 0; i < kLayers; ++i) {
      panels.emplace_back(elements * 4 / elements_per_word(type));
      std::byte* const to = panels.back().bytes();
      if (type == DType::f32) pack_linear(w.data(), kOutputs, kCols, reinterpret_cast<float*>(to));
      if (type == DType::bf16) {
        pack_linear_bf16(w.data(), kOutputs, kCols, reinterpret_cast<Bf16*>(to));
      }
      if (type == DType::int8) {
        pack_linear_int8(w.data(), kOutputs, kCols, reinterpret_cast<std::int8_t*>(to),
                         scales.data(), sums.data());
      }
    }
  }
  std::vector<Buffer> panels;
  std::vector<float> scales;
  std::vector<std::int32_t> sums;
  std::vector<float> bias;
};

Trial linear_trial(DType type, int rows) {
  const auto layers = std::make_shared<LinearLayers>(type);
  const auto x = std::make_shared<Rows>(type, rows, kCols);
  const auto scratch = std::make_shared<Buffer>(static_cast<std::int64_t>(linear_scratch(type)));
  const auto y = std::make_shared<Buffer>(std::int64_t{4} * rows * kOutputs);
  const auto run = [=](const KernelTable& table, int layer) {
    const auto kernel = type == DType::f32    ? table.linear_f32
                        : type == DType::bf16 ? table.linear_bf16
                                              : table.linear_int8;
    kernel({.x = x->data.bytes(),
            .x_stride = x->stride,
            .x_scales = x->scales.data(),
            .panels = layers->panels[static_cast<std::size_t>(layer)].bytes(),
            .scales = layers->scales.data(),
            .sums = layers->sums.data(),
            .bias = layers->bias.data(),
            .y = y->floats(),
            .y_stride = kOutputs,
            .y_type = DType::f32,
            .m = rows,
            .n = kOutputs,
            .k = kCols,
            .activation = kernels::Activation::none,
            .scratch = scratch->bytes(),
            .panel_begin = 0,
            .panel_end = kOutputs / kPanelWidth});
  };
  return {run, y, std::int64_t{rows} * kOutputs};
}

// Attention of narrow types: that of bf16 where a table has it, else that of floats.
Trial attention_trial(DType type, int length) {
  const auto narrow = std::make_shared<Rows>(DType::bf16, length, 3 * kCols);
  const auto wide = std::make_shared<Rows>(DType::f32, length, 3 * kCols);
  const auto scratch = std::make_shared<Buffer>(
      std::int64_t{4} * static_cast<std::int64_t>(attention_scratch(length, kHeadDim)));
  const auto y = std::make_shared<Buffer>(std::int64_t{4} * length * kCols);
  const auto run = [=](const KernelTable& table, int) {
    const bool in_bf16 = type == DType::bf16 && table.attention_bf16 != nullptr;
    (in_bf16 ? table.attention_bf16
             : table.attention_f32)({.qkv = (in_bf16 ? *narrow : *wide).data.bytes(),
                                     .out = y->floats(),
                                     .out_type = DType::f32,
                                     .scratch = scratch->floats(),
                                     .length = length,
                                     .heads = kHeads,
                                     .head_dim = kHeadDim,
                                     .head_begin = 0,
                                     .head_end = kHeads,
                                     .scale = 1 / std::sqrt(static_cast<float>(kHeadDim))});
  };
  return {run, y, std::int64_t{length} * kCols};
}

Trial fff_trial(DType type, int rows) {
  const std::int64_t nodes = kTrees * fff_nodes(kDepth);
  const std::vector<float> in = random_floats(nodes * kCols, 0.1f, 6),
                           out = random_floats(nodes * kCols, 0.1f, 7),
                           bias = random_floats(nodes, 0.1f, 8);
  const auto layers = std::make_shared<std::vector<Buffer>>();
  const auto params = std::make_shared<std::vector<FffNode>>(static_cast<std::size_t>(nodes));
  for (int i = 0; i < kLayers; ++i) {
    layers->emplace_back(packed_fff_bytes(kTrees, kDepth, kCols, type, type));
    pack_fff({in.data(), out.data(), bias.data(), kTrees, kDepth, kCols, type, type},
             layers->back().bytes(), params->data());
  }
  const auto x = std::make_shared<Rows>(type, rows, kCols);
  const auto scratch =
      std::make_shared<Buffer>(static_cast<std::int64_t>(fff_scratch(rows, kDepth)));
  const auto y = std::make_shared<Buffer>(std::int64_t{4} * rows * kCols);
  const auto run = [=](const KernelTable& table, int layer) {
    (type == DType::f32 ? table.fff_f32
     : type == DType::bf16
         ? table.fff_bf16
         : table.fff_int8)({.x = x->data.bytes(),
                            .x_stride = x->stride,
                            .x_scales = x->scales.data(),
                            .residual = nullptr,
                            .residual_stride = 0,
                            .nodes = (*layers)[static_cast<std::size_t>(layer)].bytes(),
                            .params = params->data(),
                            .y = y->floats(),
                            .y_stride = kCols,
                            .scratch = scratch->bytes(),
                            .rows = rows,
                            .cols = kCols,
                            .trees = kTrees,
                            .depth = kDepth,
                            .decision_type = type,
                            .out_type = type});
  };
  return {run, y, std::int64_t{rows} * kCols};
}

struct Operation {
  const char* name;  // as in kernel_choices()
  Trial (*make)(DType type, int size);
  DType type;
  double tolerance;   // of an output, by the largest; 0: the same bits
  double may_differ;  // share of outputs: a decision near zero may go either way
};

constexpr Operation kOperations[] = {
    {"linear_f32", linear_trial, DType::f32, 1e-4, 0},
    {"linear_bf16", linear_trial, DType::bf16, 1e-4, 0},
    {"linear_int8", linear_trial, DType::int8, 0, 0},
    {"attention_f32", attention_trial, DType::f32, 1e-4, 0},
    {"attention_bf16", attention_trial, DType::bf16, 2e-2, 0},
    {"fff_f32", fff_trial, DType::f32, 1e-4, 0.02},
    {"fff_bf16", fff_trial, DType::bf16, 1e-4, 0.02},
    {"fff_int8", fff_trial, DType::int8, 0, 0},
};

const char* set_of(const KernelTable& table, std::string_view operation) {
  for (const KernelChoice& choice : kernel_choices(table)) {
    if (choice.operation == operation) return choice.set != nullptr ? choice.set : "none";
  }
  return "none";
}

// A table of each kernel that vectors have for an operation; floats' attention once, the best one's.
std::vector<const KernelTable*> candidates_for(const Operation& operation) {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : available_tables()) {
    const std::string_view set = set_of(*table, operation.name);
    const bool known = std::any_of(tables.begin(), tables.end(), [&](const KernelTable* other) {
      return set == set_of(*other, operation.name);
    });
    if (!known && (table->isa != kernels::Isa::scalar || tables.empty())) tables.push_back(table);
  }
  return tables;
}

void compare(const Operation& operation, const Trial& trial,
             const std::vector<const KernelTable*>& tables) {
  std::vector<float> expected;
  for (const KernelTable* table : tables) {
    trial.run(*table, 0);
    const std::vector<float> found(trial.y->floats(), trial.y->floats() + trial.outputs);
    if (expected.empty()) expected = found;
    float largest = 0;
    for (const float value : expected) largest = std::max(largest, std::abs(value));
    std::int64_t different = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double error = std::abs(found[i] - expected[i]);
      if (!(error <= operation.tolerance * largest)) ++different;
    }
    if (static_cast<double>(different) >
        operation.may_differ * static_cast<double>(trial.outputs)) {
      throw Error(ErrorCode::mismatch, std::string(operation.name) + " of " + table->name +
                                           " computes other results than that of " +
                                           tables.front()->name);
    }
  }
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Other programs on the machine count less by the thread's own clock.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Medians of interleaved rounds, in seconds.
std::vector<double> time_candidates(const Trial& trial,
                                    const std::vector<const KernelTable*>& tables, int rounds) {
  if (tables.size() == 1) return {1.0};
  std::vector<std::vector<double>> seconds(tables.size());
  int layer = 0;
  for (int round = 0; round <= rounds; ++round) {
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const double begin = thread_seconds();
      for (int call = 0; call < kLayers; ++call) trial.run(*tables[i], layer++ % kLayers);
      const double spent = thread_seconds() - begin;
      if (round > 0) seconds[i].push_back(spent);  // the first one warms up
    }
  }
  std::vector<double> medians;
  for (const auto& each : seconds) medians.push_back(median_of(each));
  return medians;
}

double mean_of_logs(const Candidate& candidate) {
  double sum = 0;
  for (const double ratio : candidate.ratios) sum += std::log(ratio);
  return sum / static_cast<double>(candidate.ratios.size());
}

// The fastest over all sizes, but the present choice where that is about as fast.
std::string wanted(const OperationTimes& times) {
  const auto slower = [](const Candidate& a, const Candidate& b) {
    return mean_of_logs(a) < mean_of_logs(b);
  };
  const Candidate& best =
      *std::min_element(times.candidates.begin(), times.candidates.end(), slower);
  for (const Candidate& candidate : times.candidates) {
    const bool near = mean_of_logs(candidate) <= mean_of_logs(best) + std::log(kNear);
    if (candidate.set == times.chosen && near) return times.chosen;
  }
  return best.set;
}

}  // namespace

std::vector<OperationTimes> time_operations(int rounds) {
  const KernelTable& own = *select_table(line_of(this_processor()).table);
  std::vector<OperationTimes> all;
  for (const Operation& operation : kOperations) {
    OperationTimes times{.operation = operation.name,
                         .sizes = {8, 32, 128},
                         .candidates = {},
                         .chosen = set_of(own, operation.name),
                         .wanted = ""};
    const auto tables = candidates_for(operation);
    for (const KernelTable* table : tables) {
      times.candidates.push_back({set_of(*table, operation.name), {}});
    }
    for (const int size : times.sizes) {
      const Trial trial = operation.make(operation.type, size);
      compare(operation, trial, tables);
      const std::vector<double> seconds = time_candidates(trial, tables, rounds);
      const double fastest = *std::min_element(seconds.begin(), seconds.end());
      for (std::size_t i = 0; i < tables.size(); ++i) {
        times.candidates[i].ratios.push_back(seconds[i] / fastest);
      }
    }
    times.wanted = wanted(times);
    all.push_back(std::move(times));
  }
  return all;
}

std::vector<std::string> lines_that_fit(const std::vector<OperationTimes>& operations) {
  std::vector<std::string> names;
  for (const ProcessorLine& line : processor_lines()) {
    const KernelTable* table = select_table(line.table);
    if (table == nullptr) continue;
    const bool fits = std::all_of(operations.begin(), operations.end(), [&](const auto& times) {
      return times.wanted == set_of(*table, times.operation);
    });
    if (fits) names.emplace_back(line.name);
  }
  return names;
}

}  // namespace sapwood::cli
