// The golden checkpoints: where they are and what they must answer.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "sapwood/kernels/dispatch.h"
#include "sapwood/model.h"

namespace sapwood::test {

namespace fs = std::filesystem;
using nlohmann::json;

inline fs::path source_dir() { return SAPWOOD_SOURCE_DIR; }
inline fs::path golden_dir() { return source_dir() / "tests/golden/data"; }
// Data that others made; not part of the repository.
inline fs::path shared_dir() { return source_dir() / "../shared"; }

inline json read_json(const fs::path& path) {
  std::ifstream in(path);
  return json::parse(in);
}

inline std::vector<fs::path> subdirectories(const fs::path& folder) {
  std::vector<fs::path> list;
  if (!fs::exists(folder)) return list;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) list.push_back(entry.path());
  }
  std::sort(list.begin(), list.end());
  return list;
}

// Says by name what a test could not do here.
inline void skipped(const std::string& what) { std::cout << "skipped: " << what << std::endl; }

// Every instruction set this CPU can run; names those it cannot.
inline std::vector<Isa> runnable_isas() {
  std::vector<Isa> isas;
  for (const Isa isa :
       {Isa::scalar, Isa::avx2, Isa::avx2_vnni, Isa::avx512, Isa::avx512_vnni, Isa::avx512_bf16}) {
    if (kernels::select_table(to_string(isa)) != nullptr) {
      isas.push_back(isa);
    } else {
      skipped("instruction set " + std::string(to_string(isa)) + " is not to be had here");
    }
  }
  return isas;
}

// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::mt19937_64 random{std::random_device{}()};
    path_ = fs::temp_directory_path() / ("sapwood-test-" + std::to_string(random()));
    fs::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline std::vector<std::vector<float>> run(const Model& model,
                                           const std::vector<Sequence>& sequences, Output output) {
  std::vector<std::vector<float>> rows(sequences.size());
  model.run(sequences, output, [&](std::size_t i, const MatrixView& view) {
    rows[i].assign(view.data, view.data + static_cast<std::size_t>(view.rows) * view.cols);
  });
  return rows;
}

// Largest absolute difference from a (nested) list of numbers; infinity where the sizes differ.
inline double max_difference(const std::vector<float>& found, const json& expected) {
  std::vector<double> flat;
  const auto flatten = [&](const auto& self, const json& value) -> void {
    if (value.is_array()) {
      for (const json& part : value) self(self, part);
    } else {
      flat.push_back(value.get<double>());
    }
  };
  flatten(flatten, expected);
  if (flat.size() != found.size()) return HUGE_VAL;
  double worst = 0;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    // NaN must not pass as small.
    const double difference = std::abs(flat[i] - found[i]);
    worst = difference <= worst ? worst : difference;
    if (std::isnan(difference)) return HUGE_VAL;
  }
  return worst;
}

// Random but valid token sequences.
struct RandomTexts {
  RandomTexts(const Model& model, int count, unsigned seed) {
    std::mt19937 random(seed);
    const ModelConfig& c = model.config();
    std::uniform_int_distribution<int> length(1, c.max_positions), id(0, c.vocab_size - 1),
        type(0, std::max(0, c.type_vocab - 1));
    for (int i = 0; i < count; ++i) {
      const int n = i == 0 ? 1 : i == 1 ? c.max_positions : length(random);
      ids.emplace_back(n);
      types.emplace_back(n);
      for (int t = 0; t < n; ++t) {
        ids.back()[t] = id(random);
        types.back()[t] = type(random);
      }
      selected.push_back({n / 2});
    }
    for (int i = 0; i < count; ++i) {
      sequences.push_back({.ids = ids[i], .type_ids = types[i]});
      if (c.head == HeadKind::masked_lm) sequences.back().selected = selected[i];
    }
  }
  std::vector<std::vector<std::int32_t>> ids, types, selected;
  std::vector<Sequence> sequences;
};

}  // namespace sapwood::test
