#include "response_head.h"

#include <cstdio>

#include "ascii.h"

namespace sapwood::serve {
namespace {

// May be empty: clients look at the number alone.
constexpr std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append("\r\n").append(name).append(": ");
  for (const char c : value) out.push_back(is_control(c) ? ' ' : c);
}

}  // namespace

std::string http_date(std::time_t time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[80];
  std::snprintf(text, sizeof text, "%s, %02d %s %d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text;
}

void append_head(std::string& out, const HttpResponse& response, std::string_view date,
                 bool closes) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).push_back(' ');
  out.append(reason(response.status));
  append_line(out, "Date", date);
  if (!has_no_body(response.status)) {
    append_line(out, "Content-Length", std::to_string(response.body.size()));
    if (!response.content_type.empty()) append_line(out, "Content-Type", response.content_type);
  }
  if (closes) append_line(out, "Connection", "close");
  for (const auto& [name, value] : response.headers) append_line(out, name, value);
  out.append("\r\n\r\n");
}

}  // namespace sapwood::serve
