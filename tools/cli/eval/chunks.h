// Running a data set through the model in pieces, so that progress can be told.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "eval/tasks.h"
#include "sapwood/tasks.h"

namespace sapwood::cli {

inline constexpr std::size_t kEvalChunk = 256;

template <class T>
void keep_first(std::vector<T>& examples, std::size_t limit) {
  if (limit > 0 && examples.size() > limit) {
    examples.erase(examples.begin() + static_cast<std::ptrdiff_t>(limit), examples.end());
  }
}

// Calls visit(begin, end) for consecutive pieces of [0, count).
template <class Visit>
void in_chunks(std::size_t count, const EvalOptions& options, Visit visit,
               std::size_t chunk = kEvalChunk) {
  for (std::size_t begin = 0; begin < count; begin += chunk) {
    const std::size_t end = std::min(begin + chunk, count);
    visit(begin, end);
    options.progress(end, count);
  }
}

// The result for example number `index`; an error ends the evaluation and says where it stood.
template <class T>
T example_value(Result<T> result, std::size_t index) {
  if (!result) {
    throw Error(result.error().code(),
                "example " + std::to_string(index + 1) + ": " + result.error().what());
  }
  return std::move(result).value();
}

// The embeddings of texts, one row each; counts the cut ones.
std::vector<std::vector<float>> embed_all(const Model& model, const std::vector<std::string>& texts,
                                          const EvalOptions& options, std::size_t& truncated);

}  // namespace sapwood::cli
