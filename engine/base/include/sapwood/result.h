// A value or the error that took its place: one bad text in a batch must not lose the good ones.
#pragma once

#include <utility>
#include <variant>

#include "sapwood/error.h"

namespace sapwood {

// The members that this has are named and behave as those of C++23's std::expected<T, Error>, but
// that value() throws the stored Error itself.
template <class T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}  // NOLINT

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  // The value; throws the stored Error where there is none.
  const T& value() const& {
    if (!has_value()) throw Error(std::get<1>(state_));
    return std::get<0>(state_);
  }
  T&& value() && {
    if (!has_value()) throw Error(std::get<1>(state_));
    return std::get<0>(std::move(state_));
  }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace sapwood
