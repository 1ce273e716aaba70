// From an input to the windows of its job.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/border.h"
#include "sapwood/model.h"
#include "sapwood/result.h"
#include "sapwood/tasks.h"

namespace sapwood::tasks {

// encode_options for tasks that read no offsets.
EncodeOptions without_offsets(const Model& model, const LengthOptions& length);

// The window of a text and, after it, those beyond the first. Throw Error: what the tokenizer throws, and
// where a token or a length is one that the model cannot take.
std::vector<Encoding> encode(const Model& model, std::string_view text,
                             const EncodeOptions& options, EncodeScratch& scratch);
std::vector<Encoding> encode(const Model& model, std::string_view text, std::string_view pair,
                             const EncodeOptions& options, EncodeScratch& scratch);
std::vector<Encoding> encode(const Model& model, const TextInput& input,
                             const EncodeOptions& options, EncodeScratch& scratch);

// What a task reads of a window besides the ids.
enum class Reads : std::uint8_t {
  ids,
  text,  // offsets, masks, word ids, sequence ids
};

// Windows that the caller encoded. Throws Error invalid_argument where what the task reads is missing, where
// there are none or more than `most`, or where the model cannot take them.
std::vector<Encoding> given_windows(const Model& model, std::vector<Encoding> windows, Reads reads,
                                    std::size_t most);

// What `make` returns, or the Error that it throws; but no memory is no fault of an input, and is thrown.
template <class Make>
auto as_result(const Make& make) -> Result<decltype(make())> try {
  return make();
} catch (const Error& error) {
  if (error.code() == ErrorCode::out_of_memory) throw;
  return error;
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood::tasks
