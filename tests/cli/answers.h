// What the program answers, as JSON, beside what is expected of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sapwood::test {

using Json = nlohmann::json;

constexpr double kMargin = 2e-4;

// expected.json of a golden checkpoint.
Json expected(const std::string& model);

// The answers to a run that must succeed, one a line.
std::vector<Json> answers(const std::vector<std::string>& arguments, const std::string& input = {});

// Sorted, as nlohmann::json keeps them.
std::vector<std::string> keys(const Json& object);

// Equal but for small differences of numbers that are not integers.
void check_close(const Json& found, const Json& wanted);

// Records as lines.
std::string jsonl(const std::vector<Json>& records);

}  // namespace sapwood::test
