// The golden checkpoints as the task tests walk them: every one with a given head, loaded once for
// each instruction set.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "golden.h"
#include "sapwood/tasks.h"

namespace sapwood::test {

// Scores against float32 pipelines; logits agree to 1e-4 and probabilities are flatter.
inline constexpr double kScoreTolerance = 1e-4;

// Calls visit with each golden checkpoint whose expected.json has `section`. Fails where there is
// none.
void for_each_golden(const std::string& section,
                     const std::function<void(const Model&, const json&)>& visit);

inline bool close(double found, const json& expected) {
  return std::abs(found - expected.get<double>()) <= kScoreTolerance;
}

// A text and perhaps its pair, out of an entry that keeps the characters.
TextInput text_input(const json& entry);

}  // namespace sapwood::test
