// Why a request is not answered, and how the interface that it came by says so.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "http.h"
#include "sapwood/error.h"

namespace sapwood::serve {

// Whose routes, bodies and errors: see APP.md.
enum class Family : std::uint8_t { tei, openai, cohere, kserve, ollama };

enum class Problem : std::uint8_t {
  unauthorized,
  unknown_path,
  unknown_model,
  wrong_method,
  malformed,    // not JSON
  empty,        // nothing to be computed
  invalid,      // JSON that the route cannot take
  tokenizer,    // text or token ids that the model cannot take
  too_large,    // bytes, texts or tokens
  wrong_model,  // a model without what the route needs
  failed,
  overloaded,
  late,     // the deadline passed in the queue
  unready,  // starting, stopping or without memory
  left,     // the client went away: nobody reads the answer
};

class ApiError : public std::runtime_error {
 public:
  // `wait`: of `overloaded`, when to come again. `allow`: of `wrong_method`, the right ones.
  ApiError(Problem problem, const std::string& message, std::chrono::nanoseconds wait = {},
           std::string allow = {})
      : std::runtime_error(message), problem_(problem), wait_(wait), allow_(std::move(allow)) {}
  Problem problem() const noexcept { return problem_; }
  std::chrono::nanoseconds wait() const noexcept { return wait_; }
  const std::string& allow() const noexcept { return allow_; }

 private:
  Problem problem_;
  std::chrono::nanoseconds wait_;
  std::string allow_;
};

// What an exception of the library means to a client.
ApiError api_error(const Error& error);

// The same of the exception that is being handled, whatever it is.
ApiError current_error();

int status_of(Problem problem) noexcept;
// As te_request_failure's label says it: "validation", "batch_size", "overloaded", ...
std::string_view label_of(Problem problem) noexcept;

HttpResponse error_response(Family family, const ApiError& error);
// An error of HTTP itself, by its status.
HttpResponse error_response(Family family, int status, std::string_view message);
std::string_view label_of_status(int status) noexcept;

}  // namespace sapwood::serve
