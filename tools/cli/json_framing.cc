#include "json_framing.h"

namespace sapwood::cli {
namespace {

bool is_blank(char byte) noexcept {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

}  // namespace

JsonFraming::Step JsonFraming::end_of_element(bool last) noexcept {
  const bool missing = !value_ && (!last || elements_);
  value_ = false;
  elements_ = true;
  closed_ = last;
  return missing ? Step::no_value : Step::ends;
}

JsonFraming::Step JsonFraming::bracket(char byte) noexcept {
  const bool opens = byte == '[' || byte == '{';
  if (opens && byte == '[' && !started_) {
    started_ = array_ = true;
    return Step::ends;  // of nothing: the array's bracket is no part of its first element
  }
  if (!opens && depth_ == 0) return open() && byte == ']' ? end_of_element(true) : Step::inside;
  opens ? ++depth_ : --depth_;
  started_ = value_ = true;
  return Step::inside;
}

JsonFraming::Step JsonFraming::next(char byte) noexcept {
  if (in_string_) {
    if (escaped_) {
      escaped_ = false;
    } else if (byte == '\\') {
      escaped_ = true;
    } else if (byte == '"') {
      in_string_ = false;
    }
    return Step::inside;
  }
  if (byte == '[' || byte == '{' || byte == ']' || byte == '}') return bracket(byte);
  if (byte == ',' && depth_ == 0 && open()) return end_of_element(false);
  if (byte == '\n' && depth_ == 0 && !open()) return Step::ends;
  if (is_blank(byte)) return Step::inside;
  started_ = value_ = true;
  in_string_ = byte == '"';
  return Step::inside;
}

}  // namespace sapwood::cli
