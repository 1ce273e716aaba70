// convert and inspect.
#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;

TEST_CASE("convert writes a file that answers as its source, and inspect tells both") {
  const TemporaryFolder folder;
  const std::string file = folder.path("model.safetensors");
  const std::string source = golden("distilbert-fff-sentiment");
  REQUIRE(run({"convert", source, "-o", file, "--dtype", "f32"}).status == 0);
  CHECK(answers({"classify", "-m", file, "--top-k", "0", "A journey"}) ==
        answers({"classify", "-m", source, "--top-k", "0", "A journey"}));
  CHECK(answers({"tokenize", "-m", file, "A journey"}) ==
        answers({"tokenize", "-m", source, "A journey"}));
  const Json info = Json::parse(run({"inspect", file, "--json", "--graph", "--verify"}).out);
  CHECK(info.at("format") == "converted");
  CHECK(info.at("feed_forward")["type"] == "fff");
  CHECK(info.at("labels").size() == 3);
  CHECK(info.at("graph")["nodes"].size() > 5);
  CHECK(info.at("graph")["nodes"][0].contains("kernel"));
  CHECK(run({"inspect", source}).out.find("distilbert") != std::string::npos);
  CHECK(run({"inspect", "--graph", "--format", "dot", source}).out.rfind("digraph", 0) == 0);
  // A flipped byte is found when asked for.
  std::string bytes = read_file(file);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  const std::string broken = folder.write("broken.safetensors", bytes);
  CHECK(run({"inspect", broken, "--verify"}).status == 1);
}

TEST_CASE("convert writes bf16 and int8, and a file answers only in the type it has") {
  const TemporaryFolder folder;
  const std::string source = golden("distilbert-fff-sentiment");
  for (const std::string dtype : {"bf16", "int8"}) {
    const std::string file = folder.path(dtype + ".safetensors");
    REQUIRE(run({"convert", source, "-o", file, "--dtype", dtype}).status == 0);
    CHECK(Json::parse(run({"inspect", file, "--json"}).out).at("dtype") == dtype);
    const Json answer = Json::parse(run({"classify", "-m", file, "a text"}).out);
    CHECK(answer.contains("label"));
    CHECK(run({"classify", "-m", source, "--dtype", dtype, "a text"}).out ==
          run({"classify", "-m", file, "a text"}).out);
    const Outcome other = run({"classify", "-m", file, "--dtype", "f32", "a text"});
    CHECK(other.status == 1);
    CHECK(other.err.find("convert the model's directory again") != std::string::npos);
  }
  const std::string mixed = folder.path("mixed.safetensors");
  CHECK(run({"convert", source, "-o", mixed, "--dtype", "int8", "--decisions", "f32"}).status == 0);
  CHECK(run({"classify", "-m", mixed, "a text"}).status == 0);
  CHECK(run({"convert", source, "-o", mixed, "--dtype", "int4"}).status == 2);
}
