// CSV as RFC 4180 has it: fields separated by commas, quoted where they hold commas, quotes or line
// ends, quotes doubled. Our own because libcsv pushes fields at callbacks and reads on; here
// records are pulled one at a time, so that an open pipe is answered and a bad record costs only
// itself. TSV is the same with tabs, as Python's csv module and pandas write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sapwood::cli::csv {

// Where a reader stands between two bytes.
enum class State : std::uint8_t { field_start, plain, quoted, quote_in_quoted };

// The state after one more byte. In any state but `quoted`, "\n" ends the record.
State next_state(State state, char byte, char separator = ',') noexcept;

// The fields of one record, given without its line end. Throws Error malformed where a quoted field
// is not closed or goes on after its closing quote.
std::vector<std::string> parse_record(std::string_view record, char separator = ',');

// Appends one field, quoted where it must be.
void append_field(std::string& out, std::string_view field);

// Appends a record with its line end ("\r\n" in RFC 4180; "\n" here, as every reader takes it).
void append_record(std::string& out, const std::vector<std::string>& fields);

}  // namespace sapwood::cli::csv
