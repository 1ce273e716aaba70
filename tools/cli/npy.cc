#include "npy.h"

#include <bit>
#include <cerrno>
#include <string_view>
#include <vector>

#include "sapwood/error.h"
#include "system_message.h"

namespace sapwood::cli {
namespace {

constexpr std::size_t kHeaderBytes = 128;

[[noreturn]] void fail_spool() {
  throw Error(ErrorCode::io, "cannot use a temporary file for the npy rows: " +
                                 system_message(errno) + "; write to a file with -o FILE.npy");
}

}  // namespace

std::string npy_header(std::uint64_t rows, int columns) {
  // The magic, version 1.0 and the length of the rest, then a Python dictionary padded with spaces.
  std::string header("\x93NUMPY\x01\x00\x76\x00", 10);
  static_assert(kHeaderBytes - 10 == 0x76);
  header += "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
            std::to_string(columns) + "), }";
  header.resize(kHeaderBytes - 1, ' ');
  return header + '\n';
}

NpyWriter::NpyWriter(OutputStream& output, int columns)
    : output_(output), columns_(columns), start_(output.position()) {
  static_assert(std::endian::native == std::endian::little,
                "rows are written as they lie in memory");
  if (start_ >= 0) {
    output_.write(std::string(kHeaderBytes, '\0'));
    return;
  }
  spool_.reset(std::tmpfile());
  if (!spool_) fail_spool();
}

void NpyWriter::write_row(std::span<const float> row) {
  if (row.size() != static_cast<std::size_t>(columns_)) {
    throw Error(ErrorCode::mismatch, "a row of " + std::to_string(row.size()) +
                                         " numbers in an array of " + std::to_string(columns_) +
                                         " columns");
  }
  ++rows_;
  if (!spool_) {
    output_.write({reinterpret_cast<const char*>(row.data()), row.size_bytes()});
  } else if (std::fwrite(row.data(), sizeof(float), row.size(), spool_.get()) != row.size()) {
    fail_spool();
  }
}

void NpyWriter::finish() {
  const std::string header = npy_header(rows_, columns_);
  if (!spool_) {
    output_.write_at(header, static_cast<std::size_t>(start_));
    return;
  }
  if (std::fflush(spool_.get()) != 0 || std::fseek(spool_.get(), 0, SEEK_SET) != 0) fail_spool();
  output_.write(header);
  std::vector<char> block(1 << 16);
  while (const std::size_t count = std::fread(block.data(), 1, block.size(), spool_.get())) {
    output_.write({block.data(), count});
  }
  if (std::ferror(spool_.get()) != 0) fail_spool();
}

}  // namespace sapwood::cli
