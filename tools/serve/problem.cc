#include "problem.h"

#include <algorithm>
#include <array>
#include <new>

#include "base/json_writer.h"

namespace sapwood::serve {
namespace {

// How the interfaces call what is wrong.
struct ErrorNames {
  int status;
  std::string_view tei;          // error_type
  std::string_view openai_type;  // error.type
  std::string_view openai_code;  // error.code
  std::string_view label;
};

constexpr std::string_view kBadRequest = "invalid_request_error";
constexpr std::string_view kServerError = "server_error";

// One line for each problem, in the enumeration's order.
constexpr std::array<std::pair<Problem, ErrorNames>, 15> kProblems{{
    {Problem::unauthorized, {401, "Unauthorized", kBadRequest, "invalid_api_key", "unauthorized"}},
    {Problem::unknown_path, {404, "NotFound", kBadRequest, "unknown_url", "not_found"}},
    {Problem::unknown_model, {404, "NotFound", kBadRequest, "model_not_found", "not_found"}},
    {Problem::wrong_method, {405, "Validation", kBadRequest, "method_not_allowed", "validation"}},
    {Problem::malformed, {400, "Validation", kBadRequest, "invalid_json", "validation"}},
    {Problem::empty, {400, "Empty", kBadRequest, "empty_input", "validation"}},
    {Problem::invalid, {422, "Validation", kBadRequest, "invalid_value", "validation"}},
    {Problem::tokenizer, {422, "Tokenizer", kBadRequest, "invalid_text", "tokenization"}},
    {Problem::too_large, {413, "Validation", kBadRequest, "too_large", "batch_size"}},
    {Problem::wrong_model, {424, "Backend", kBadRequest, "unsupported_model", "model_type"}},
    {Problem::failed, {424, "Backend", kServerError, "inference_failed", "inference"}},
    {Problem::overloaded, {429, "Overloaded", "requests", "rate_limit_exceeded", "overloaded"}},
    {Problem::late, {503, "Overloaded", kServerError, "deadline_exceeded", "deadline"}},
    {Problem::unready, {503, "Unhealthy", kServerError, "unavailable", "unready"}},
    {Problem::left, {499, "Unhealthy", kServerError, "client_left", "dropped"}},
}};

// What is wrong with the HTTP, or with the program. The last one is for all other statuses.
constexpr std::array<ErrorNames, 13> kHttpErrors{{
    {400, "Validation", kBadRequest, "bad_request", "http"},
    {408, "Validation", kBadRequest, "request_timeout", "http"},
    {411, "Validation", kBadRequest, "length_required", "http"},
    {413, "Validation", kBadRequest, "too_large", "http"},
    {414, "Validation", kBadRequest, "uri_too_long", "http"},
    {415, "Validation", kBadRequest, "unsupported_media_type", "http"},
    {417, "Validation", kBadRequest, "expectation_failed", "http"},
    {431, "Validation", kBadRequest, "headers_too_large", "http"},
    {501, "Validation", kBadRequest, "not_implemented", "http"},
    {505, "Validation", kBadRequest, "version_not_supported", "http"},
    {429, "Overloaded", "requests", "rate_limit_exceeded", "overloaded"},
    {503, "Overloaded", kServerError, "unavailable", "unready"},
    {500, "Backend", kServerError, "internal_error", "internal"},
}};

const ErrorNames& names_of(Problem problem) noexcept {
  return kProblems[static_cast<std::size_t>(problem)].second;
}

const ErrorNames& names_of_status(int status) noexcept {
  const auto* const at =
      std::find_if(kHttpErrors.begin(), kHttpErrors.end() - 1,
                   [&](const ErrorNames& names) { return names.status == status; });
  return *at;
}

std::string error_body(Family family, const ErrorNames& names, std::string_view message) {
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

HttpResponse error_response(Family family, int status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = error_body(family, names_of_status(status), message);
  return response;
}

std::string_view label_of_status(int status) noexcept { return names_of_status(status).label; }

}  // namespace sapwood::serve
