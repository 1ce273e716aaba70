// /metrics, by a reader that takes nothing but the text format 0.0.4.
#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "catch.h"
#include "service.h"

namespace sapwood::test {
namespace {

struct Family {
  std::string type;
  std::vector<std::pair<std::string, double>> samples;  // name and labels as they stand, value
};

bool is_name(const std::string& text) {
  return !text.empty() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == ':'; });
}

double number_of(const std::string& text) {
  if (text == "+Inf") return HUGE_VAL;
  std::size_t used = 0;
  const double value = std::stod(text, &used);
  REQUIRE(used == text.size());
  return value;
}

// {a="b",c="d"} with values without quotes, backslashes and line ends.
void check_labels(const std::string& labels) {
  if (labels.empty()) return;
  REQUIRE(labels.front() == '{');
  REQUIRE(labels.back() == '}');
  std::istringstream list(labels.substr(1, labels.size() - 2));
  std::set<std::string> names;
  for (std::string one; std::getline(list, one, ',');) {
    const std::size_t equals = one.find("=\"");
    REQUIRE(equals != one.npos);
    CHECK(is_name(one.substr(0, equals)));
    CHECK(names.insert(one.substr(0, equals)).second);
    REQUIRE(one.back() == '"');
    const std::string value = one.substr(equals + 2, one.size() - equals - 3);
    CHECK(value.find_first_of("\"\\\n") == value.npos);
  }
}

std::map<std::string, Family> parse_metrics(const std::string& text) {
  REQUIRE(text.back() == '\n');
  std::map<std::string, Family> families;
  std::istringstream lines(text);
  std::string current, help;
  std::set<std::string> seen;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    if (line.starts_with("# HELP ")) {
      help = line.substr(7, line.find(' ', 7) - 7);
      REQUIRE(line.size() > 7 + help.size() + 1);
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      REQUIRE(current == help);
      REQUIRE(is_name(current));
      REQUIRE_FALSE(families.contains(current));
      families[current].type = line.substr(8 + current.size());
      const std::string& type = families[current].type;
      REQUIRE((type == "counter" || type == "gauge" || type == "histogram"));
      continue;
    }
    const std::size_t space = line.rfind(' ');
    REQUIRE(space != line.npos);
    const std::string series = line.substr(0, space);
    REQUIRE(seen.insert(series).second);
    const std::string name = series.substr(0, series.find('{'));
    check_labels(series.substr(name.size()));
    const bool histogram = families.at(current).type == "histogram";
    if (histogram) {
      REQUIRE(
          (name == current + "_bucket" || name == current + "_sum" || name == current + "_count"));
    } else {
      REQUIRE(name == current);
    }
    families[current].samples.emplace_back(series.substr(histogram ? current.size() : 0),
                                           number_of(line.substr(space + 1)));
  }
  return families;
}

void check_histogram(const Family& family, std::size_t buckets, double count) {
  REQUIRE(family.samples.size() == buckets + 3);
  double bound = -HUGE_VAL, last = 0;
  for (std::size_t i = 0; i <= buckets; ++i) {
    const std::string& name = family.samples[i].first;
    REQUIRE(name.starts_with("_bucket{le=\""));
    const double here = number_of(name.substr(12, name.size() - 14));
    CHECK(here > bound);
    CHECK(family.samples[i].second >= last);
    bound = here;
    last = family.samples[i].second;
  }
  CHECK(std::isinf(bound));
  CHECK(family.samples[buckets + 1].first == "_sum");
  CHECK(family.samples[buckets + 2].first == "_count");
  CHECK(family.samples[buckets + 2].second == count);
  CHECK(last == count);
}

double value_of(const std::map<std::string, Family>& families, const std::string& series) {
  const std::string name = series.substr(0, series.find('{'));
  for (const auto& [each, value] : families.at(name).samples) {
    if (each == series) return value;
  }
  FAIL("no " << series);
  return 0;
}

TEST_CASE("/metrics counts what was asked, answered, refused and how long it took") {
  Service service({"embed", "sst2"});
  answer_of(service.post("/embed", {{"inputs", "a"}}));
  answer_of(service.post("/embed", {{"inputs", {"a", "b", "c"}}}));
  answer_of(service.post("/models/sst2/predict", {{"inputs", "a"}}));
  answer_of(service.post("/embed", {{"inputs", Json::array()}}), 400);
  answer_of(service.post("/embed", {{"inputs", std::vector<std::string>(33, "a")}}), 413);
  answer_of(service.post("/models/sst2/embed", {{"inputs", "a"}}), 424);
  const Reply reply = service.get("/metrics");
  CHECK(reply.content_type == "text/plain; version=0.0.4; charset=utf-8");
  const auto families = parse_metrics(reply.body);
  const auto value = [&](const std::string& series) { return value_of(families, series); };
  CHECK(value("te_request_success{method=\"single\"}") == 2);
  CHECK(value("te_request_success{method=\"batch\"}") == 1);
  CHECK(value("te_request_failure{err=\"validation\"}") == 1);
  CHECK(value("te_request_failure{err=\"batch_size\"}") == 1);
  CHECK(value("te_request_failure{err=\"model_type\"}") == 1);
  CHECK(value("te_embed_success") == 4);
  CHECK(value("te_predict_success") == 1);
  CHECK(value("te_queue_size") == 0);
  CHECK(value("sapwood_workers") == 2);
  CHECK(value("sapwood_estimated_wait_seconds") == 0);
  CHECK(value("sapwood_clients_left_total") == 0);
  CHECK(value("sapwood_refusals_total{reason=\"overloaded\"}") == 0);
  CHECK(value("sapwood_responses_total{status=\"200\"}") == 3);
  CHECK(value("sapwood_tokens_total") == 5 * 3);
  for (const char* const name : {"te_request_duration", "te_request_tokenization_duration",
                                 "te_request_queue_duration", "te_request_inference_duration"}) {
    INFO(name);
    check_histogram(families.at(name), 35, 3);
  }
  check_histogram(families.at("te_request_input_length"), 20, 5);
}

TEST_CASE("a histogram's bounds are inclusive, and its buckets hold those before") {
  serve::Histogram histogram({1, 2});
  for (const double value : {0.5, 1.0, 1.5, 2.0, 3.0}) histogram.observe(value);
  std::string text;
  histogram.write(text, "x", "Help.");
  CHECK(text ==
        "# HELP x Help.\n# TYPE x histogram\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"2\"} 4\n"
        "x_bucket{le=\"+Inf\"} 5\nx_sum 8\nx_count 5\n");
  CHECK(serve::duration_bounds().size() == 35);
  CHECK(serve::duration_bounds().front() == Approx(1.5e-5));
}

}  // namespace
}  // namespace sapwood::test
