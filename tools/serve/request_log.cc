#include "request_log.h"

#include <ctime>

#include "base/json_writer.h"
#include "base/quote.h"

namespace sapwood::serve {
namespace {

double to_ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string wall_clock() {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(now / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::string out(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts));
  return out + "." + std::to_string(1000 + now % 1000).substr(1) + "Z";
}

void begin_line(JsonWriter& writer, const HttpRequest& head, std::string_view id, int status,
                std::string_view problem) {
  writer.begin_object().member("time", wall_clock());
  writer.member("method", printable(head.method)).member("path", printable(head.path));
  writer.member("status", status).member("request_id", id);
  if (!problem.empty()) writer.member("error", problem);
}

}  // namespace

std::string log_line(const Call& call, int status, std::string_view problem,
                     std::chrono::nanoseconds total) {
  std::string line;
  JsonWriter writer(line);
  begin_line(writer, call.request(), call.id, status, problem);
  if (!call.trace_id.empty()) writer.member("trace_id", call.trace_id);
  if (call.model != nullptr) writer.member("model", call.model->name());
  writer.member("items", static_cast<std::int64_t>(call.plan.items));
  writer.member("tokens", call.plan.tokens);
  writer.member("queue_ms", to_ms(call.queued)).member("inference_ms", to_ms(call.computed));
  writer.member("total_ms", to_ms(total)).end();
  return line;
}

std::string log_line(const HttpRequest& head, std::string_view id, int status,
                     std::string_view problem) {
  std::string line;
  JsonWriter writer(line);
  begin_line(writer, head, id, status, problem);
  writer.end();
  return line;
}

}  // namespace sapwood::serve
