// load_http: requests at given times against an HTTP server, and what became of them.
//
// Open loop (--rate): requests start when a Poisson process says so, whether or not earlier ones have been answered, and
// a latency counts from that moment: a server that cannot keep up is not spared by a client that waits for it. Closed
// loop (--clients): each client sends its next request when it has its answer. One thread; its own processor time is
// part of the result, because it may run on the server's processors.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "client.h"

namespace {

using sapwood::load::Client;
using sapwood::load::Result;

struct Arguments {
  std::string address = "127.0.0.1:3000", path = "/embed", bodies, results;
  double rate = 0, seconds = 5, warmup = 1;
  int clients = 0;
  unsigned seed = 1;
  std::vector<std::string> headers;
};

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5)];
}

std::string percentiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  char text[160];
  std::snprintf(text, sizeof text,
                "{\"count\":%zu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
                values.size(), percentile(values, 0.5), percentile(values, 0.9),
                percentile(values, 0.99), percentile(values, 0.999),
                values.empty() ? 0.0 : values.back());
  return text;
}

std::vector<std::string> read_bodies(const std::string& file) {
  std::ifstream in(file);
  std::vector<std::string> bodies;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) bodies.push_back(line);
  }
  if (bodies.empty()) throw std::runtime_error(file + " has no bodies");
  return bodies;
}

void write_results(const std::string& file, const std::vector<Result>& results) {
  std::ofstream out(file);
  char line[128];
  for (const Result& result : results) {
    std::snprintf(line, sizeof line, "%.6f %.4f %.4f %d %zu\n", result.start, result.latency_ms,
                  result.late_ms, result.status, result.body);
    out << line;
  }
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

void print(const Arguments& arguments, const std::vector<Result>& results, const Client& client) {
  std::map<int, std::vector<double>> by_status;
  for (const Result& result : results) {
    if (result.start >= arguments.warmup) by_status[result.status].push_back(result.latency_ms);
  }
  const double counted = client.span() - arguments.warmup;
  const double answered = static_cast<double>(by_status[200].size());
  std::printf(
      "{\"seconds\":%.3f,\"answers_per_s\":%.1f,\"span\":%.4f,\"processor_seconds\":%.4f,"
      "\"latency_ms\":{",
      counted, answered / counted, client.span(), client.processor_seconds());
  bool first = true;
  for (const auto& [status, latencies] : by_status) {
    if (latencies.empty()) continue;
    std::printf("%s\"%s\":%s", first ? "" : ",",
                status == 0 ? "failed" : std::to_string(status).c_str(),
                percentiles(latencies).c_str());
    first = false;
  }
  std::printf("}}\n");
}

std::vector<double> arrivals(const Arguments& arguments) {
  std::vector<double> starts;
  std::mt19937_64 random(arguments.seed);
  std::exponential_distribution<double> gap(arguments.rate);
  for (double at = gap(random); at < arguments.seconds; at += gap(random)) starts.push_back(at);
  return starts;
}

void add_options(CLI::App& app, Arguments& arguments) {
  app.add_option("--address", arguments.address, "HOST:PORT (numbers)")->capture_default_str();
  app.add_option("--path", arguments.path)->capture_default_str();
  app.add_option("--bodies", arguments.bodies, "A body a line; each request sends one, in turn")
      ->required()
      ->check(CLI::ExistingFile);
  auto* rate = app.add_option("--rate", arguments.rate, "Requests a second, at random times");
  app.add_option("--clients", arguments.clients, "Clients that each wait for their answer")
      ->excludes(rate);
  app.add_option("--seconds", arguments.seconds)->capture_default_str();
  app.add_option("--warmup", arguments.warmup,
                 "Seconds at the beginning that do not count in the summary")
      ->capture_default_str();
  app.add_option("--seed", arguments.seed, "Of the times of --rate")->capture_default_str();
  app.add_option("--header", arguments.headers, "NAME: VALUE, of each request");
  app.add_option("--results", arguments.results,
                 "Writes a line for each request: when it was due (s), latency and lateness of its "
                 "start (ms), status, which body");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Requests at given times against an HTTP server; prints one line of JSON");
  add_options(app, arguments);
  CLI11_PARSE(app, argc, argv);
  if (arguments.rate <= 0 && arguments.clients <= 0) {
    std::cerr << "load_http: give --rate or --clients\n";
    return 2;
  }
  try {
    const std::vector<std::string> bodies = read_bodies(arguments.bodies);
    Client client(arguments.address, arguments.path, arguments.headers);
    const std::vector<Result> results =
        arguments.rate > 0 ? client.open_loop(bodies, arrivals(arguments))
                           : client.closed_loop(bodies, arguments.clients, arguments.seconds);
    print(arguments, results, client);
    if (!arguments.results.empty()) write_results(arguments.results, results);
  } catch (const std::exception& error) {
    std::cerr << "load_http: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
