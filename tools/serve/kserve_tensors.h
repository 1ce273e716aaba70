// Tensors of the KServe v2 protocol (Open Inference Protocol), in JSON and as bytes behind it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "call.h"
#include "fields.h"

namespace sapwood::serve {

// The JSON of the body. In this protocol the bytes of tensors may stand behind it, which become Call::tensors. Throws
// ApiError malformed.
std::string take_json(Call& call);

// What a kind of model takes and gives.
struct TensorNames {
  std::vector<std::string_view>
      inputs;  // BYTES, [texts]; all but the first may be left out unless `all`
  bool all = false;
  std::string_view output;
  bool numbers = true;  // FP32 [texts, columns]; else BYTES [texts], a JSON text each
  int columns = 0;
};
TensorNames tensor_names(const ServedModel& served);

// The texts of the body's tensors: one element for each name, those that are left out empty. Throws ApiError and Error
// for tensors that are unknown, of another type or shape, or of other sizes than they say.
std::vector<std::vector<std::string_view>> read_text_tensors(const Call& call,
                                                             const TensorNames& names);

// Whether the output is wanted as bytes behind the JSON. Throws for outputs that there are not.
bool wants_bytes(const JsonValue& root, const TensorNames& names);

// A response in the making: numbers or texts, as JSON or as bytes.
struct OutputTensor {
  std::vector<float> numbers;
  std::vector<std::string> texts;
  std::size_t rows = 0;
};
HttpResponse kserve_response(const Call& call, const TensorNames& names, const OutputTensor& output,
                             bool bytes);

}  // namespace sapwood::serve
