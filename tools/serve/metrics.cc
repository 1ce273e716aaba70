#include "metrics.h"

#include <algorithm>
#include <charconv>

namespace sapwood::serve {
namespace {

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

void append_header(std::string& out, std::string_view name, std::string_view type,
                   std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void append_one(std::string& out, std::string_view name, std::string_view type,
                std::string_view help, double value) {
  append_header(out, name, type, help);
  out.append(name).append(" ").append(number_text(value)).append("\n");
}

void append_one(std::string& out, std::string_view name, std::string_view help,
                std::uint64_t count) {
  append_header(out, name, "counter", help);
  out.append(name).append(" ").append(std::to_string(count)).append("\n");
}

// The labels' values are words of our own: nothing in them needs an escape.
template <class Counts>
void append_counts(std::string& out, std::string_view name, std::string_view label,
                   std::string_view help, const Counts& counts) {
  append_header(out, name, "counter", help);
  for (const auto& [value, count] : counts) {
    out.append(name).append("{").append(label).append("=\"").append(value).append("\"} ");
    out.append(std::to_string(count)).append("\n");
  }
}

std::vector<double> powers_of_two(int count) {
  std::vector<double> bounds;
  for (int i = 0; i < count; ++i) bounds.push_back(static_cast<double>(1 << i));
  return bounds;
}

}  // namespace

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<std::size_t>(at - bounds_.begin())];
  sum_ += value;
}

void Histogram::write(std::string& out, std::string_view name, std::string_view help) const {
  append_header(out, name, "histogram", help);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    count += counts_[i];
    out.append(name).append("_bucket{le=\"");
    out.append(i < bounds_.size() ? number_text(bounds_[i]) : "+Inf").append("\"} ");
    out.append(std::to_string(count)).append("\n");
  }
  out.append(name).append("_sum ").append(number_text(sum_)).append("\n");
  out.append(name).append("_count ").append(std::to_string(count)).append("\n");
}

std::vector<double> duration_bounds() {
  std::vector<double> bounds;
  double bound = 0.00001;
  for (int i = 0; i < 35; ++i) bounds.push_back(bound *= 1.5);
  return bounds;
}

Metrics::Metrics()
    : total_(duration_bounds()),
      tokenizing_(duration_bounds()),
      queued_(duration_bounds()),
      computed_(duration_bounds()),
      lengths_(powers_of_two(20)) {
  // Series that are there from the beginning, so that rates over them are.
  for (const char* const method : {"single", "batch"}) {
    requests_[method] = successes_[method] = 0;
  }
  for (const char* const reason : {"overloaded", "deadline", "tokenizing"}) refusals_[reason] = 0;
}

void Metrics::add(Counts& counts, std::string_view label, std::uint64_t count) {
  const auto at = counts.find(label);
  if (at != counts.end()) {
    at->second += count;
  } else {
    counts.emplace(label, count);
  }
}

void Metrics::answered(int status) {
  const std::lock_guard lock(mutex_);
  add(statuses_, std::to_string(status));
}

void Metrics::ended(const RequestEnd& end) {
  const std::string_view method = end.list ? "batch" : "single";
  const std::lock_guard lock(mutex_);
  add(requests_, method);
  (end.embeds ? embedded_ : predicted_) += end.items;
  if (end.problem) {
    add(failures_, label_of(*end.problem));
    return;
  }
  add(successes_, method);
  (end.embeds ? embed_successes_ : predict_successes_) += end.items;
  for (const std::int64_t length : end.lengths) lengths_.observe(static_cast<double>(length));
  total_.observe(in_seconds(end.total));
  tokenizing_.observe(in_seconds(end.tokenizing));
  queued_.observe(in_seconds(end.queued));
  computed_.observe(in_seconds(end.computed));
}

void Metrics::refused(std::string_view reason) {
  const std::lock_guard lock(mutex_);
  add(refusals_, reason);
}

void Metrics::left() {
  const std::lock_guard lock(mutex_);
  ++left_;
}

void Metrics::reloaded(bool done) {
  const std::lock_guard lock(mutex_);
  add(reloads_, done ? "done" : "failed");
}

std::string Metrics::text(const SchedulerStatistics& scheduler) const {
  std::string out;
  const std::lock_guard lock(mutex_);
  append_counts(out, "te_request_count", "method", "Requests for something to be computed.",
                requests_);
  append_counts(out, "te_request_success", "method", "Those that were answered.", successes_);
  append_counts(out, "te_request_failure", "err", "Those that were not, by the reason.", failures_);
  append_one(out, "te_embed_count", "Texts to be embedded.", embedded_);
  append_one(out, "te_embed_success", "Texts that were embedded.", embed_successes_);
  append_one(out, "te_predict_count", "Texts for other tasks.", predicted_);
  append_one(out, "te_predict_success", "Texts of other tasks that were answered.",
             predict_successes_);
  total_.write(out, "te_request_duration", "Seconds from a request's head to its answer.");
  tokenizing_.write(out, "te_request_tokenization_duration", "Seconds of reading and tokenising.");
  queued_.write(out, "te_request_queue_duration", "Seconds in queues.");
  computed_.write(out, "te_request_inference_duration",
                  "Seconds from the first run of a request to the end of its last.");
  lengths_.write(out, "te_request_input_length", "Tokens of a text.");
  append_one(out, "te_queue_size", "gauge", "Texts that wait for a worker.",
             static_cast<double>(scheduler.texts));
  append_one(out, "sapwood_estimated_wait_seconds", "gauge",
             "What a request that comes now would wait.", in_seconds(scheduler.wait));
  append_one(out, "sapwood_requests_under_way", "gauge", "Requests queued or being computed.",
             static_cast<double>(scheduler.requests));
  append_one(out, "sapwood_workers", "gauge", "Workers.", scheduler.workers);
  append_one(out, "sapwood_workers_busy", "gauge", "Workers at a run.", scheduler.busy);
  append_one(out, "sapwood_runs_total", "Runs computed.", scheduler.runs);
  append_one(out, "sapwood_tokens_total", "Tokens computed.", scheduler.tokens);
  append_counts(out, "sapwood_refusals_total", "reason", "Requests answered with 429.", refusals_);
  append_one(out, "sapwood_clients_left_total", "Clients that left before their answer.", left_);
  append_counts(out, "sapwood_responses_total", "status", "Answers of all routes.", statuses_);
  append_counts(out, "sapwood_reloads_total", "result", "Models loaded again.", reloads_);
  return out;
}

}  // namespace sapwood::serve
