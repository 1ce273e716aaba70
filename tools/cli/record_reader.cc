#include "record_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/quote.h"
#include "sapwood/error.h"
#include "system_message.h"

namespace sapwood::cli {
namespace {

constexpr std::size_t kBlockBytes = 1 << 16;
constexpr std::size_t kLargeBytes = 1 << 20;

}  // namespace

RecordReader::RecordReader(const std::string& path, Framing framing, std::size_t max_record_bytes,
                           std::size_t max_skipped_bytes)
    : name_(path == "-" ? "standard input" : printable(path)),
      fd_(STDIN_FILENO),
      owned_(path != "-"),
      framing_(framing),
      max_record_bytes_(max_record_bytes),
      max_skipped_bytes_(max_skipped_bytes) {
  if (owned_) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      const int error = errno;
      throw Error(error == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                  "cannot open the input " + name_ + ": " + system_message(error));
    }
  }
  struct stat status {};
  if (::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
    bytes_total_ = static_cast<std::uint64_t>(status.st_size);
  }
}

RecordReader::~RecordReader() {
  if (owned_) ::close(fd_);
}

bool RecordReader::is_terminal() const { return ::isatty(fd_) == 1; }

// Looks for the line end that closes the current record; leaves scan_ on it.
bool RecordReader::find_end() {
  if (framing_ == Framing::lines) {
    const void* end = buffer_.size() > scan_
                          ? std::memchr(buffer_.data() + scan_, '\n', buffer_.size() - scan_)
                          : nullptr;
    scan_ = end == nullptr
                ? buffer_.size()
                : static_cast<std::size_t>(static_cast<const char*>(end) - buffer_.data());
    return end != nullptr;
  }
  if (framing_ == Framing::json) return find_json_end();
  const char separator = framing_ == Framing::tsv ? '\t' : ',';
  for (; scan_ < buffer_.size(); ++scan_) {
    const char byte = buffer_[scan_];
    if (byte == '\n') {
      if (state_ != csv::State::quoted) return true;
      ++line_ends_;
    }
    state_ = csv::next_state(state_, byte, separator);
  }
  return false;
}

bool RecordReader::find_json_end() {
  for (; scan_ < buffer_.size(); ++scan_) {
    const char byte = buffer_[scan_];
    const JsonFraming::Step step = json_.next(byte);
    if (step == JsonFraming::Step::no_value) {
      throw Error(ErrorCode::malformed, name_ + ": line " + std::to_string(line_ + line_ends_) +
                                            ": expected a value before '" + byte + "'");
    }
    if (byte == '\n') ++line_ends_;
    if (step == JsonFraming::Step::ends) return true;
  }
  return false;
}

// Reads one block. False: nothing there now (Wait::no), or the end of the input.
bool RecordReader::fill(Wait wait) {
  if (eof_) return false;
  if (wait == Wait::no) {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0) return false;
  }
  if (begin_ > 0) {  // only what belongs to the current record is kept
    buffer_.erase(0, begin_);
    scan_ -= begin_;
    begin_ = 0;
  }
  const std::size_t old_size = buffer_.size();
  buffer_.resize(old_size + kBlockBytes);
  ssize_t count;
  for (;;) {
    count = ::read(fd_, buffer_.data() + old_size, kBlockBytes);
    if (count >= 0) break;
    if (errno == EAGAIN) {
      pollfd ready{fd_, POLLIN, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      throw Error(ErrorCode::io, "cannot read " + name_ + ": " + system_message(errno));
    }
  }
  buffer_.resize(old_size + static_cast<std::size_t>(count));
  bytes_read_ += static_cast<std::uint64_t>(count);
  eof_ = count == 0;
  if (at_start_ && (buffer_.size() >= 3 || eof_)) {
    at_start_ = false;
    if (buffer_.starts_with("\xEF\xBB\xBF")) buffer_.erase(0, 3);
    if (buffer_.starts_with("\xFF\xFE") || buffer_.starts_with("\xFE\xFF")) {
      throw Error(
          ErrorCode::invalid_utf8,
          name_ +
              ": it begins with the byte order mark of UTF-16: expected UTF-8; convert it, as "
              "in iconv -f UTF-16 -t UTF-8 FILE");
    }
  }
  return !eof_;
}

void RecordReader::take(RawRecord& record, std::size_t end) {
  record.line = line_;
  record.oversized = dropped_ > 0 || end - begin_ > max_record_bytes_;
  record.bytes.clear();
  std::size_t next = end < buffer_.size() ? end + 1 : end;
  if (!record.oversized && end - begin_ > kLargeBytes) {
    // It takes the buffer with it, so that a large record is not held twice.
    std::string rest = buffer_.substr(next);
    buffer_.resize(end);
    buffer_.erase(0, begin_);
    record.bytes = std::exchange(buffer_, std::move(rest));
    next = 0;
  } else if (!record.oversized) {
    record.bytes.assign(buffer_, begin_, end - begin_);
  }
  if (record.bytes.ends_with('\r')) record.bytes.pop_back();
  dropped_ = 0;
  if (framing_ == Framing::json) {
    // Its record may begin with the rest of the line that the one before ended on.
    const std::size_t first = record.bytes.find_first_not_of(" \t\r\n");
    const auto value =
        record.bytes.begin() + static_cast<std::ptrdiff_t>(first == std::string::npos ? 0 : first);
    record.line += static_cast<std::size_t>(std::count(record.bytes.begin(), value, '\n'));
  } else {
    ++line_;
  }
  line_ += line_ends_;
  line_ends_ = 0;
  state_ = csv::State::field_start;
  begin_ = scan_ = next;
}

// Forgets the part of a too long record that was read.
void RecordReader::drop_scanned() {
  dropped_ += scan_ - begin_;
  if (dropped_ > max_skipped_bytes_) {
    throw Error(ErrorCode::too_long,
                name_ + ": line " + std::to_string(line_) + " has not ended after " +
                    std::to_string(dropped_ >> 20) + " MiB" +
                    (state_ == csv::State::quoted ? " and is in a quoted field" : "") +
                    "; one input may have " + std::to_string(max_record_bytes_ >> 20) +
                    " MiB: give text with line ends");
  }
  buffer_.erase(0, scan_);
  begin_ = scan_ = 0;
}

RecordReader::Status RecordReader::next(RawRecord& record, Wait wait) {
  for (;;) {
    // A byte order mark could still be incomplete before at_start_ is cleared.
    if (!at_start_ && find_end()) {
      take(record, scan_);
      return Status::record;
    }
    if (scan_ - begin_ > max_record_bytes_) drop_scanned();
    if (fill(wait)) continue;
    if (!eof_) return Status::not_ready;
    if (find_end()) {
      take(record, scan_);
      return Status::record;
    }
    if (framing_ == Framing::json && json_.open()) {
      throw Error(
          ErrorCode::malformed,
          name_ + ": the JSON array that it begins with has no end: was the file cut short?");
    }
    if (begin_ == buffer_.size() && dropped_ == 0) return Status::end;
    take(record, buffer_.size());  // the last line has no line end
    return Status::record;
  }
}

}  // namespace sapwood::cli
