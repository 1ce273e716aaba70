#include "writer.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/quote.h"
#include "csv.h"
#include "json.h"
#include "npy.h"
#include "sapwood/utf8.h"

namespace sapwood::cli {
namespace {

class JsonLinesWriter final : public Writer {
 public:
  explicit JsonLinesWriter(OutputStream& output) : output_(output) {}
  void write(std::size_t, const std::string&, const Result<Rendered>& answer) override {
    output_.write(answer ? answer.value().json : error_json(answer.error()));
    output_.write("\n");
  }
  void flush() override { output_.flush(); }
  void finish() override {}

 private:
  OutputStream& output_;
};

// One array, an element a line.
class JsonArrayWriter final : public Writer {
 public:
  explicit JsonArrayWriter(OutputStream& output) : output_(output) {}
  void write(std::size_t, const std::string&, const Result<Rendered>& answer) override {
    output_.write(empty_ ? "[\n" : ",\n");
    empty_ = false;
    output_.write(answer ? answer.value().json : error_json(answer.error()));
  }
  void flush() override { output_.flush(); }
  void finish() override { output_.write(empty_ ? "[]\n" : "\n]\n"); }

 private:
  OutputStream& output_;
  bool empty_ = true;
};

// Columns: input (its number), the task's, error.
class CsvWriter final : public Writer {
 public:
  CsvWriter(OutputStream& output, const WriterOptions& options)
      : output_(output), columns_(options.columns.size()) {
    std::vector<std::string> header{"input"};
    header.insert(header.end(), options.columns.begin(), options.columns.end());
    header.emplace_back("error");
    write_record(header);
  }
  void write(std::size_t number, const std::string&, const Result<Rendered>& answer) override {
    if (!answer) {
      std::vector<std::string> record(columns_ + 2);
      record.front() = std::to_string(number);
      record.back() = std::string(to_string(answer.error().code())) + ": " + answer.error().what();
      write_record(record);
      return;
    }
    for (const auto& row : answer.value().rows) {
      std::vector<std::string> record{std::to_string(number)};
      record.insert(record.end(), row.begin(), row.end());
      record.resize(columns_ + 2);
      write_record(record);
    }
  }
  void flush() override { output_.flush(); }
  void finish() override {}

 private:
  void write_record(const std::vector<std::string>& record) {
    line_.clear();
    csv::append_record(line_, record);
    output_.write(line_);
  }

  OutputStream& output_;
  std::size_t columns_;
  std::string line_;
};

std::size_t width(const std::string& text) { return utf8::count(text); }

// Aligned columns. Widths grow from chunk to chunk, as results are not held back to align them all.
class TableWriter final : public Writer {
 public:
  TableWriter(OutputStream& output, WriterOptions options)
      : output_(output), options_(std::move(options)) {
    std::vector<std::string> header = options_.columns;
    if (options_.show_text) header.emplace_back("text");
    if (options_.numbered) header.insert(header.begin(), "#");
    for (std::string& name : header) {
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    }
    lines_.push_back(std::move(header));
  }
  void write(std::size_t number, const std::string& text, const Result<Rendered>& answer) override {
    if (!answer) {
      add(number, {"error: " + printable(answer.error().what(), kShownError)}, {});
      return;
    }
    const std::string shown = printable(text);
    if (answer.value().rows.empty()) add(number, {"(none)"}, shown);
    for (std::vector<std::string> row : answer.value().rows) {
      for (std::string& cell : row) cell = printable(cell);
      add(number, std::move(row), shown);
    }
  }
  void flush() override {
    if (first_ && lines_.size() == 1) return;  // a header alone says nothing
    first_ = false;
    for (const auto& line : lines_) {
      if (widths_.size() < line.size()) widths_.resize(line.size());
      // The last cell of a line is not padded, so that it must not widen the column either.
      for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        widths_[i] = std::max(widths_[i], width(line[i]));
      }
    }
    for (const auto& line : lines_) {
      for (std::size_t i = 0; i < line.size(); ++i) {
        output_.write(line[i]);
        if (i + 1 < line.size()) output_.write(std::string(widths_[i] - width(line[i]) + 2, ' '));
      }
      output_.write("\n");
    }
    lines_.clear();
    output_.flush();
  }
  void finish() override { flush(); }

 private:
  // An error says what to do at its end.
  static constexpr std::size_t kShownError = 2000;

  // The cells are printable.
  void add(std::size_t number, std::vector<std::string> cells, const std::string& text) {
    if (options_.show_text && !text.empty()) cells.push_back(text);
    if (options_.numbered) cells.insert(cells.begin(), std::to_string(number));
    lines_.push_back(std::move(cells));
  }

  OutputStream& output_;
  WriterOptions options_;
  std::vector<std::vector<std::string>> lines_;
  std::vector<std::size_t> widths_;
  bool first_ = true;
};

// An array has no room for a message: a failed input is a row of NaN, told on standard error.
class NpyRows final : public Writer {
 public:
  NpyRows(OutputStream& output, int columns) : writer_(output, columns), columns_(columns) {}
  void write(std::size_t number, const std::string&, const Result<Rendered>& answer) override {
    if (answer) {
      writer_.write_row(answer.value().values);
      return;
    }
    say({"input ", std::to_string(number), " is a row of NaN: ", answer.error().what()});
    writer_.write_row(std::vector<float>(static_cast<std::size_t>(columns_), std::nanf("")));
  }
  void flush() override {}
  void finish() override { writer_.finish(); }

 private:
  NpyWriter writer_;
  int columns_;
};

}  // namespace

std::string score_text(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", static_cast<double>(value));
  return text;
}

std::unique_ptr<Writer> make_writer(OutputFormat format, OutputStream& output,
                                    WriterOptions options) {
  switch (format) {
    case OutputFormat::table:
      return std::make_unique<TableWriter>(output, std::move(options));
    case OutputFormat::json:
      return std::make_unique<JsonArrayWriter>(output);
    case OutputFormat::csv:
      return std::make_unique<CsvWriter>(output, options);
    case OutputFormat::npy:
      return std::make_unique<NpyRows>(output, options.npy_columns);
    case OutputFormat::jsonl:
      break;
  }
  return std::make_unique<JsonLinesWriter>(output);
}

}  // namespace sapwood::cli
