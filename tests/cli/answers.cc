#include "answers.h"

#include "catch.h"
#include "process.h"

namespace sapwood::test {

Json expected(const std::string& model) {
  return Json::parse(read_file(golden(model) + "/expected.json"));
}

std::vector<Json> answers(const std::vector<std::string>& arguments, const std::string& input) {
  RunOptions options;
  options.input = input;
  const Outcome outcome = run(arguments, options);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::vector<Json> list;
  for (const std::string& line : lines_of(outcome.out)) list.push_back(Json::parse(line));
  return list;
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

void check_close(const Json& found, const Json& wanted) {
  if (wanted.is_number_float()) {
    REQUIRE(found.is_number());
    CHECK(found.get<double>() == Approx(wanted.get<double>()).margin(kMargin));
  } else if (wanted.is_array()) {
    REQUIRE(found.is_array());
    REQUIRE(found.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) check_close(found[i], wanted[i]);
  } else if (wanted.is_object()) {
    REQUIRE(found.is_object());
    CHECK(keys(found) == keys(wanted));
    for (const auto& [name, value] : wanted.items()) check_close(found.at(name), value);
  } else {
    CHECK(found == wanted);
  }
}

std::string jsonl(const std::vector<Json>& records) {
  std::string text;
  for (const Json& record : records) text += record.dump() + "\n";
  return text;
}

}  // namespace sapwood::test
