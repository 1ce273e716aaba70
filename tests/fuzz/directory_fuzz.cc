// A model's directory: parts that are files by name, and "tensor NAME DTYPE SHAPE", of which model.safetensors is made.
#include "safetensors_file.h"
#include "use_model.h"

namespace sapwood::fuzz {
namespace {

void read_directory(std::string_view input) {
  std::vector<InputPart> parts = split_parts(input);
  for (const auto& [name, file] : take_tensors(parts)) parts.push_back({name, file.bytes()});
  accepted([&] {
    const Model model = Model::load(as_files(parts), small_load());
    if (model.config().static_embedding) return use_tokenizer(model);
    use_tokenizer(model);
    use_model(model);
  });
}

const Registration kDirectoryTarget({"directory", read_directory});

}  // namespace
}  // namespace sapwood::fuzz
