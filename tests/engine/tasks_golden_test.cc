#include "tasks_golden.h"

#include "catch.h"

namespace sapwood::test {

void for_each_golden(const std::string& section,
                     const std::function<void(const Model&, const json&)>& visit) {
  int visited = 0;
  const std::vector<Isa> isas = runnable_isas();
  for (const fs::path& folder : subdirectories(golden_dir())) {
    const json expected = read_json(folder / "expected.json");
    if (!expected.contains(section)) continue;
    for (const Isa isa : isas) {
      INFO("checkpoint: " << folder.filename() << ", instruction set: " << to_string(isa));
      visit(Model::load(folder, {.isa = isa}), expected);
      ++visited;
    }
  }
  REQUIRE(visited > 0);
}

TextInput text_input(const json& entry) {
  TextInput input{entry.at("text").get_ref<const std::string&>()};
  if (entry.contains("text_pair")) input.pair = entry.at("text_pair").get_ref<const std::string&>();
  return input;
}

}  // namespace sapwood::test
