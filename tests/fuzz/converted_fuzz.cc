// Converted files: parts "metadata KEY" and "tensor NAME DTYPE SHAPE", put together here; any other input is the file.
#include "base/mapped_file.h"
#include "safetensors_file.h"
#include "use_model.h"

namespace sapwood::fuzz {
namespace {

void read_converted(std::string_view input) {
  std::string bytes(input);
  if (input.starts_with(kPartMark)) {
    std::vector<InputPart> parts = split_parts(input);
    bytes = take_tensors(parts)["model.safetensors"].bytes();
  }
  accepted([&] {
    const Model model = Model::load(std::as_bytes(std::span(bytes)), small_load());
    use_tokenizer(model);
    use_model(model);
  });
}

const Registration kConvertedTarget({"converted", read_converted});

}  // namespace
}  // namespace sapwood::fuzz
