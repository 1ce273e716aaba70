// The bytes of a pickle, read from the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "sapwood/error.h"

namespace sapwood {

// What it reads throws Error malformed where the bytes end before, with `label` and the place.
class PickleBytes {
 public:
  PickleBytes(std::span<const std::byte> pickle, const std::string& label)
      : rest_(reinterpret_cast<const char*>(pickle.data()), pickle.size()),
        size_(pickle.size()),
        label_(label) {}

  std::string_view take(std::size_t n) {
    if (n > rest_.size()) fail("the pickle is cut short");
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }

  std::uint8_t take_byte() { return static_cast<std::uint8_t>(take(1)[0]); }

  template <typename T>
  T take_number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  // LONG1: a count and that many bytes, little-endian two's complement.
  std::int64_t take_long() {
    const std::uint8_t count = take_byte();
    if (count > 8) fail("expected integers of at most 64 bits, found a longer one");
    const std::string_view bytes = take(count);
    std::uint64_t value = count > 0 && (bytes[count - 1] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), count);
    return static_cast<std::int64_t>(value);
  }

  std::string_view take_line() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) fail("the pickle is cut short");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

  // Bytes read so far.
  std::size_t place() const { return size_ - rest_.size(); }
  const std::string& label() const { return label_; }
  const char* data() const { return rest_.data(); }  // of what comes next

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::malformed,
                label_ + ": pickle, near byte " + std::to_string(place()) + ": " + what);
  }

 private:
  std::string_view rest_;
  std::size_t size_;
  const std::string& label_;
};

}  // namespace sapwood
