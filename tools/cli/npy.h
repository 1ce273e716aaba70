// The npy format of NumPy, version 1.0: a header, then the raw array.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "output.h"

namespace sapwood::cli {

// The 128 bytes before a little-endian float32 array [rows, columns] in C order.
std::string npy_header(std::uint64_t rows, int columns);

// Writes rows as they come. The row count stands in the header and is known last. Where output can
// seek it has zeros in the header's place until finish(), so that no reader takes an unfinished file
// for an array; for a pipe the rows wait in an unnamed temporary file.
class NpyWriter {
 public:
  NpyWriter(OutputStream& output, int columns);
  void write_row(std::span<const float> row);  // Throws Error mismatch for a row of another width
  void finish();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  OutputStream& output_;
  int columns_;
  std::uint64_t rows_ = 0;
  long long start_;  // of the header; -1: spooled
  std::unique_ptr<std::FILE, CloseFile> spool_;
};

}  // namespace sapwood::cli
