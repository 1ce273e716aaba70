// What a calibration found, for scripts and for people.
#include <algorithm>
#include <cstdio>

#include "base/json_writer.h"
#include "calibrate.h"
#include "sapwood/kernels/processor.h"

namespace sapwood::cli {
namespace {

// "linear_bf16 avx512, attention_bf16 none"
std::string changes(const std::vector<OperationTimes>& operations) {
  std::string text;
  for (const OperationTimes& times : operations) {
    if (times.wanted == times.chosen) continue;
    text += (text.empty() ? "" : ", ") + times.operation + " " + times.wanted;
  }
  return text;
}

std::string conclusion(const std::vector<OperationTimes>& operations) {
  const std::string wants = changes(operations);
  if (wants.empty()) return "the line's kernels are the fastest";
  std::string lines;
  for (const std::string& name : lines_that_fit(operations)) {
    lines += (lines.empty() ? "" : ", ") + name;
  }
  return "faster: " + wants + "; " +
         (lines.empty() ? "no line has these kernels" : "lines with these kernels: " + lines);
}

}  // namespace

std::string calibration_json(const std::vector<OperationTimes>& operations) {
  const kernels::Processor& processor = kernels::this_processor();
  const kernels::ProcessorLine& line = kernels::line_of(processor);
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().member("vendor", std::string(processor.vendor));
  writer.member("family", processor.family).member("model", processor.model);
  writer.member("processor_line", std::string(line.name));
  writer.member("isa", std::string(line.table)).key("operations").begin_array();
  for (const OperationTimes& times : operations) {
    writer.begin_object().member("operation", times.operation);
    writer.member("chosen", times.chosen).member("wanted", times.wanted);
    writer.key("candidates").begin_object();
    for (const Candidate& candidate : times.candidates) {
      writer.key(candidate.set).begin_object();
      for (std::size_t i = 0; i < times.sizes.size(); ++i) {
        writer.member(std::to_string(times.sizes[i]), candidate.ratios[i]);
      }
      writer.end();
    }
    writer.end().end();
  }
  writer.end().member("lines_that_fit", lines_that_fit(operations));
  writer.end();
  return json + "\n";
}

std::string calibration_text(const std::vector<OperationTimes>& operations) {
  const kernels::Processor& processor = kernels::this_processor();
  const kernels::ProcessorLine& line = kernels::line_of(processor);
  std::string text = std::string(processor.vendor) + " family " + std::to_string(processor.family) +
                     " model " + std::to_string(processor.model) + ", line " + line.name +
                     ", kernels " + line.table + "\ntime over the fastest kernel's; * the line's\n";
  char row[128];
  std::snprintf(row, sizeof row, "%-15s %-14s", "operation", "kernel of");
  text += row;
  for (const int size : operations.front().sizes) {
    std::snprintf(row, sizeof row, " %8d rows", size);
    text += row;
  }
  text += "\n";
  for (const OperationTimes& times : operations) {
    for (const Candidate& candidate : times.candidates) {
      const bool chosen = candidate.set == times.chosen;
      std::snprintf(row, sizeof row, "%-15s %-13s%s", times.operation.c_str(),
                    candidate.set.c_str(), chosen ? "*" : " ");
      text += row;
      for (const double ratio : candidate.ratios) {
        std::snprintf(row, sizeof row, " %13.2f", ratio);
        text += row;
      }
      text += "\n";
    }
  }
  return text + conclusion(operations) + "\n";
}

}  // namespace sapwood::cli
