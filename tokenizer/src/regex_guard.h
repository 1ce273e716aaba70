// Callouts that let a clock interrupt Oniguruma, which by itself counts only backtracks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sapwood {

// Whether a pattern has a construct that discards what it could go back to (atomic groups,
// possessive repetition, negative look-around, absence): its work is then counted neither as
// backtracks nor by the depth of the stack. May be true for a pattern that has none.
bool discards_backtracks(std::string_view pattern);

// The pattern with a callout at its head, which the engine passes at every starting point that it
// tries, as far as the first alternative goes; and, where `groups`, at the head of every group,
// which all repeated work passes. Nothing where `groups` and the pattern may have comments of
// extended syntax, which are not read.
std::optional<std::string> with_callouts(std::string_view pattern, bool groups);

}  // namespace sapwood
