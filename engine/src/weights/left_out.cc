#include "weights/left_out.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "architecture/family.h"
#include "weights/table.h"

namespace sapwood {
namespace {

// "encoder.layer.11.output.dense.weight" apart: "encoder.layer.", 11 and the rest.
struct LayerTensor {
  std::string_view layers;
  int layer = 0;
};

// By the first part of the name that is a number.
std::optional<LayerTensor> layer_of(std::string_view name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    LayerTensor found{name.substr(0, begin)};
    const char* const last = name.data() + end;
    const auto [stop, error] = std::from_chars(name.data() + begin, last, found.layer);
    if (error == std::errc{} && stop == last && stop != name.data() + begin && found.layer >= 0) {
      return found;
    }
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace

void tell_layers_left_out(const TensorSource& source, const ModelConfig& config,
                          const std::string& prefix, Notices& notices) {
  const WeightTypes types;
  Table table(config, types);
  family_of(config).tensors(table, config, prefix);
  const std::vector<PackedSpec> specs = table.take();
  std::set<std::string_view> places;  // of the names of layers
  for (const PackedSpec& spec : specs) {
    for (const SourceTensor& wanted : spec.sources) {
      for (const std::string& name : wanted.names) {
        if (const auto tensor = layer_of(name)) places.insert(tensor->layers);
      }
    }
  }
  int most = -1;
  for (const TensorView& tensor : source.tensors()) {
    const auto of = layer_of(tensor.name);
    if (of && places.contains(of->layers)) most = std::max(most, of->layer);
  }
  if (most < config.layers) return;
  notices.add(source.path().string() + ": the checkpoint has layers up to number " +
              std::to_string(most) + ", counted from 0, and config.json asks for " +
              std::to_string(config.layers) +
              " layers; the others are not read, as in transformers");
}

}  // namespace sapwood
