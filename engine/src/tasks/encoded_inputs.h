// What every task does before and after its own rule: encode all inputs, keep the errors of those
// that cannot be encoded, run the model once over the rest, and put results and errors back in
// order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sapwood/model.h"
#include "sapwood/result.h"
#include "sapwood/tasks.h"

namespace sapwood::tasks {

// Throws Error unsupported, saying what the task needs and what this model is, unless it has the
// head.
void require_head(const Model& model, HeadKind head, std::string_view task);
[[noreturn]] void throw_wrong_model(const Model& model, std::string_view task,
                                    std::string_view needs);

// Throws Error invalid_argument unless value >= least.
void require_at_least(int value, int least, std::string_view name);

struct EncodedInputs {
  std::vector<std::optional<Error>> errors;  // by input
  std::vector<std::uint8_t> truncated;       // by input: something was cut
  // The inputs without an error and, each after its input, the windows beyond the first.
  std::vector<Encoding> windows;
  std::vector<std::size_t> input_of;  // the input that windows[i] is of
  // Rows of windows[i] that the masked-LM head answers for; empty: the task selects none.
  std::vector<std::vector<std::int32_t>> selected;

  std::size_t inputs() const { return errors.size(); }
};

// Encodes input i into `out`, which is empty. The scratch serves all inputs.
using Encode = std::function<void(std::size_t i, Encoding& out, EncodeScratch& scratch)>;

// Calls `encode` for each input. An Error that it throws, or a token or length that the model
// cannot take, becomes the error of that input. Throws Error not_found where the model has no
// tokenizer.
EncodedInputs encode_inputs(const Model& model, std::size_t count, const Encode& encode);

// The same with Model::encode_into.
EncodedInputs encode_inputs(const Model& model, std::span<const TextInput> inputs,
                            const LengthOptions& length);

// One run over all windows; sink receives the window's number and its rows.
void run(const Model& model, const EncodedInputs& batch, Output output, const Model::Sink& sink);

// Each input's value, or the error that took its place.
template <class T>
std::vector<Result<T>> in_order(EncodedInputs& batch, std::vector<T>&& values) {
  std::vector<Result<T>> results;
  results.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (batch.errors[i]) {
      results.emplace_back(*std::move(batch.errors[i]));
    } else {
      results.emplace_back(std::move(values[i]));
    }
  }
  return results;
}

}  // namespace sapwood::tasks
