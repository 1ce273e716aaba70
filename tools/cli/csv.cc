#include "csv.h"

#include <string>

#include "sapwood/error.h"

namespace sapwood::cli::csv {

State next_state(State state, char byte, char separator) noexcept {
  switch (state) {
    case State::quoted:
      return byte == '"' ? State::quote_in_quoted : State::quoted;
    case State::quote_in_quoted:
      if (byte == '"') return State::quoted;
      break;
    case State::field_start:
      if (byte == '"') return State::quoted;
      break;
    case State::plain:
      break;
  }
  return byte == separator || byte == '\n' ? State::field_start : State::plain;
}

std::vector<std::string> parse_record(std::string_view record, char separator) {
  std::vector<std::string> fields(1);
  State state = State::field_start;
  for (const char byte : record) {
    const State after = next_state(state, byte, separator);
    if (state == State::quote_in_quoted && after == State::plain) {
      throw Error(ErrorCode::malformed, "field " + std::to_string(fields.size()) +
                                            " goes on after its closing quote; a quote inside a "
                                            "quoted field is written twice");
    }
    if (after == State::field_start) {
      fields.emplace_back();
    } else if (after == State::plain) {
      fields.back() += byte;
    } else if (after == State::quoted && state != State::field_start) {
      fields.back() += byte;  // a byte of the text, or the second of two quotes
    }
    state = after;
  }
  if (state == State::quoted) {
    throw Error(ErrorCode::malformed, "field " + std::to_string(fields.size()) +
                                          " opens a quote and the input ends before it is closed");
  }
  return fields;
}

void append_field(std::string& out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out += '"';
  for (const char byte : field) {
    if (byte == '"') out += '"';
    out += byte;
  }
  out += '"';
}

void append_record(std::string& out, const std::vector<std::string>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    append_field(out, fields[i]);
  }
  out += '\n';
}

}  // namespace sapwood::cli::csv
