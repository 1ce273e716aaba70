// Every input that is kept, through its target: what fuzzing found stays mended, in every build.
#include <algorithm>
#include <filesystem>

#include "scratch.h"
#include "target.h"

namespace sapwood::fuzz {
namespace {

namespace fs = std::filesystem;

void replay(const std::string& name) {
  const auto target = std::ranges::find(targets(), name, &Target::name);
  REQUIRE(target != targets().end());
  std::vector<fs::path> inputs;
  for (const auto& entry :
       fs::directory_iterator(fs::path(SAPWOOD_SOURCE_DIR) / "tests/fuzz/corpus" / name)) {
    inputs.push_back(entry.path());
  }
  REQUIRE(inputs.size() > 3);
  std::sort(inputs.begin(), inputs.end());
  for (const fs::path& input : inputs) {
    INFO(input.string());
    target->run(test::read_file(input));
  }
  // So that nothing depends on a first byte that is there.
  target->run({});
}

TEST_CASE("corpus of body") { replay("body"); }
TEST_CASE("corpus of config") { replay("config"); }
TEST_CASE("corpus of converted") { replay("converted"); }
TEST_CASE("corpus of directory") { replay("directory"); }
TEST_CASE("corpus of http") { replay("http"); }
TEST_CASE("corpus of json") { replay("json"); }
TEST_CASE("corpus of pytorch") { replay("pytorch"); }
TEST_CASE("corpus of records") { replay("records"); }
TEST_CASE("corpus of safetensors") { replay("safetensors"); }
TEST_CASE("corpus of text") { replay("text"); }
TEST_CASE("corpus of tokenizer") { replay("tokenizer"); }

TEST_CASE("every target has a corpus that is replayed") { CHECK(targets().size() == 11); }

}  // namespace
}  // namespace sapwood::fuzz
