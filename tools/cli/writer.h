// Results as text: JSONL, one JSON array, CSV or a table; and vectors as an npy file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "output.h"
#include "sapwood/result.h"

namespace sapwood::cli {

enum class OutputFormat : std::uint8_t { table, json, jsonl, csv, npy };

// One input's answer. A task fills only what the format asks for.
struct Rendered {
  std::string json;                            // json, jsonl
  std::vector<std::vector<std::string>> rows;  // csv, table: fields under the writer's columns
  std::vector<float> values;                   // npy: one row
  bool truncated = false;
};

struct WriterOptions {
  std::vector<std::string> columns;
  bool show_text = false;  // tables: the input's text after the columns
  bool numbered = true;    // tables: the input's number before the columns
  int npy_columns = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;
  // `number`: of the input, from 1. `text`: what tables show of it.
  virtual void write(std::size_t number, const std::string& text,
                     const Result<Rendered>& answer) = 0;
  // Called after each chunk: what was computed becomes visible.
  virtual void flush() = 0;
  // Completes the output.
  virtual void finish() = 0;
};

std::unique_ptr<Writer> make_writer(OutputFormat format, OutputStream& output,
                                    WriterOptions options);

// A score as people read it.
std::string score_text(float value);

}  // namespace sapwood::cli
