// What the trials share: the checkpoints, and answers as texts.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "base/border.h"
#include "golden.h"
#include "sapwood/sapwood.h"
#include "trial.h"

namespace sapwood::test {

// Our own kernels: another library's products allocate what they like.
inline LoadOptions load_options(WeightType dtype = WeightType::automatic, int threads = 1) {
  LoadOptions options;
  options.dense = DenseProducts::native;
  options.dtype = dtype;
  options.threads = threads;
  return options;
}

inline void append(std::string& answer, float value) {
  answer.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// What a model answers to a few token ids.
inline std::string answer_of(const Model& model) {
  const std::int32_t ids[] = {2, 9, 7, 3}, selected[] = {1};
  const Sequence sequence{.ids = ids, .selected = selected};
  std::string answer(sizeof(float) * std::size(ids) * model.config().hidden, '\0');
  model.run({&sequence, 1}, Output::hidden, [&answer](std::size_t, const MatrixView& view) {
    std::memcpy(answer.data(), view.data, answer.size());
  });
  return answer;
}

// What a part of the library gives that is not its border, so that it may throw std::bad_alloc.
template <class Action>
auto of_part(const Action& action) try {
  return action();
} catch (...) {
  throw_as_error();
}

// The Error that a faulty input gives, as an answer; out of memory is none.
template <class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::out_of_memory) throw;
    return std::string(to_string(error.code())) + ": " + error.what();
  }
  return "no error";
}

// The bytes of a file, read without the standard library's streams, which swallow exceptions.
inline std::string bytes_of(const fs::path& path) {
  std::string bytes;
  char piece[4096];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  for (ssize_t got; fd >= 0 && (got = ::read(fd, piece, sizeof(piece))) > 0;) {
    bytes.append(piece, static_cast<std::size_t>(got));
  }
  if (fd >= 0) ::close(fd);
  return bytes;
}

}  // namespace sapwood::test
