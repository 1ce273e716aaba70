// Where the records of a JSON input end: the elements of one array, or values with line ends between them.
#pragma once

#include <cstdint>

namespace sapwood::cli {

// Byte by byte, so that an input of any length is read in pieces. What is no JSON is found when a record is parsed; here
// only brackets and strings are told apart.
class JsonFraming {
 public:
  enum class Step : std::uint8_t {
    inside,   // the byte belongs to the record
    ends,     // the byte ends it and is no part of it
    no_value  // the byte ends an element that is not there ("[1,,2]")
  };

  Step next(char byte) noexcept;
  // The input began an array that has not ended yet.
  bool open() const noexcept { return array_ && !closed_; }

 private:
  Step bracket(char byte) noexcept;
  Step end_of_element(bool last) noexcept;

  bool started_ = false, array_ = false, closed_ = false;
  bool in_string_ = false, escaped_ = false;
  bool value_ = false;       // something of the element was there
  bool elements_ = false;    // an element has ended already
  std::uint64_t depth_ = 0;  // of brackets inside the record
};

}  // namespace sapwood::cli
