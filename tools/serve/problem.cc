#include "problem.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/json_writer.h"

namespace sapwood::serve {
namespace {

struct ProblemNames {
  Problem problem;
  int status;
  std::string_view tei;          // error_type
  std::string_view openai_type;  // error.type
  std::string_view openai_code;  // error.code
  std::string_view label;
};

constexpr std::string_view kBadRequest = "invalid_request_error";

// One line for each problem, in the enumeration's order.
constexpr std::array<ProblemNames, 15> kProblems{{
    {Problem::unauthorized, 401, "Unauthorized", kBadRequest, "invalid_api_key", "unauthorized"},
    {Problem::unknown_path, 404, "NotFound", kBadRequest, "unknown_url", "not_found"},
    {Problem::unknown_model, 404, "NotFound", kBadRequest, "model_not_found", "not_found"},
    {Problem::wrong_method, 405, "Validation", kBadRequest, "method_not_allowed", "validation"},
    {Problem::malformed, 400, "Validation", kBadRequest, "invalid_json", "validation"},
    {Problem::empty, 400, "Empty", kBadRequest, "empty_input", "validation"},
    {Problem::invalid, 422, "Validation", kBadRequest, "invalid_value", "validation"},
    {Problem::tokenizer, 422, "Tokenizer", kBadRequest, "invalid_text", "tokenization"},
    {Problem::too_large, 413, "Validation", kBadRequest, "too_large", "batch_size"},
    {Problem::wrong_model, 424, "Backend", kBadRequest, "unsupported_model", "model_type"},
    {Problem::failed, 424, "Backend", "server_error", "inference_failed", "inference"},
    {Problem::overloaded, 429, "Overloaded", "requests", "rate_limit_exceeded", "overloaded"},
    {Problem::late, 503, "Overloaded", "server_error", "deadline_exceeded", "deadline"},
    {Problem::unready, 503, "Unhealthy", "server_error", "unavailable", "unready"},
    {Problem::left, 499, "Unhealthy", "server_error", "client_left", "dropped"},
}};

const ProblemNames& names_of(Problem problem) noexcept {
  return kProblems[static_cast<std::size_t>(problem)];
}

std::string error_body(Family family, const ProblemNames& names, std::string_view message) {
  std::string body;
  JsonWriter writer(body);
  writer.begin_object();
  switch (family) {
    case Family::tei:
      writer.member("error", message).member("error_type", names.tei);
      break;
    case Family::openai:
      writer.key("error").begin_object().member("message", message);
      writer.member("type", names.openai_type).key("param").null();
      writer.member("code", names.openai_code).end();
      break;
    case Family::cohere:
      writer.member("message", message);
      break;
    case Family::kserve:
    case Family::ollama:
      writer.member("error", message);
      break;
  }
  writer.end();
  return body;
}

}  // namespace

ApiError api_error(const Error& error) {
  const auto as = [&](Problem problem) { return ApiError(problem, error.what()); };
  switch (error.code()) {
    case ErrorCode::invalid_argument:
    case ErrorCode::malformed:
    case ErrorCode::too_long:
      return as(Problem::invalid);
    case ErrorCode::invalid_utf8:
    case ErrorCode::mismatch:
      return as(Problem::tokenizer);
    case ErrorCode::unsupported:
    case ErrorCode::not_found:
      return as(Problem::wrong_model);
    case ErrorCode::overloaded:
      return as(Problem::overloaded);
    case ErrorCode::deadline_exceeded:
      return as(Problem::late);
    case ErrorCode::cancelled:
    case ErrorCode::out_of_memory:
      return as(Problem::unready);
    case ErrorCode::io:
    case ErrorCode::isa_unavailable:
      break;
  }
  return as(Problem::failed);
}

ApiError current_error() {
  try {
    throw;
  } catch (const ApiError& error) {
    return error;
  } catch (const Error& error) {
    return api_error(error);
  } catch (const std::bad_alloc&) {
    return {Problem::unready, "there is not enough memory for this request now"};
  } catch (const std::exception& error) {
    return {Problem::failed, error.what()};
  }
}

int status_of(Problem problem) noexcept { return names_of(problem).status; }

std::string_view label_of(Problem problem) noexcept { return names_of(problem).label; }

HttpResponse error_response(Family family, const ApiError& error) {
  HttpResponse response;
  response.status = status_of(error.problem());
  response.body = error_body(family, names_of(error.problem()), error.what());
  if (error.problem() == Problem::overloaded) {
    using namespace std::chrono;
    const auto ms = std::max<std::int64_t>(1, ceil<milliseconds>(error.wait()).count());
    response.headers.emplace_back("retry-after", std::to_string((ms + 999) / 1000));
    response.headers.emplace_back("retry-after-ms", std::to_string(ms));
  }
  if (error.problem() == Problem::unauthorized) {
    response.headers.emplace_back("www-authenticate", "Bearer");
  }
  if (!error.allow().empty()) response.headers.emplace_back("allow", error.allow());
  return response;
}

HttpResponse error_response(int status, std::string_view message) {
  const auto* const at =
      std::find_if(kProblems.begin(), kProblems.end(),
                   [&](const ProblemNames& names) { return names.status == status; });
  const ProblemNames& names = at == kProblems.end() ? names_of(Problem::malformed) : *at;
  HttpResponse response;
  response.status = status;
  response.body = error_body(Family::tei, names, message);
  return response;
}

}  // namespace sapwood::serve
