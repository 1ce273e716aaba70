// eval through the program: formats, and figures that can be checked from outside.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "process.h"

using namespace sapwood::test;
using Json = nlohmann::json;

namespace {

Json eval(const std::string& task, const std::string& file, const std::string& model,
          std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"eval", "--task", task, file, "--json", "-q"};
  if (!model.empty()) arguments.insert(arguments.end(), {"-m", model});
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Outcome outcome = run(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  Json json = Json::parse(outcome.out);
  REQUIRE(json.size() == 3);
  CHECK(json["seconds"].get<double>() >= 0);
  return json;
}

}  // namespace

TEST_CASE("eval classify: labels as ids or names, TSV or JSONL") {
  const TemporaryFolder folder;
  const std::string model = golden("distilbert-sentiment-f16");
  // What the model says is taken for the truth: then it is right, and flipped once it is wrong
  // once.
  const std::vector<std::string> texts{"a journey", "bleak and desperate", "water", "the tree"};
  std::string tsv = "sentence\tlabel\n", jsonl;
  for (const std::string& text : texts) {
    const std::string label = Json::parse(run({"classify", "-m", model, text}).out)["label"];
    tsv += text + "\t" + label + "\n";
    jsonl += Json{{"text", text}, {"label", label}}.dump() + "\n";
  }
  const Json right = eval("classify", folder.write("a.tsv", tsv), model);
  CHECK(right["metrics"]["accuracy"] == 1.0);
  CHECK(right["n"] == 4);
  CHECK(eval("classify", folder.write("a.jsonl", jsonl), model)["metrics"] == right["metrics"]);
  CHECK(eval("classify", folder.path("a.tsv"), model, {"--limit", "3"})["n"] == 3);
  const Outcome unknown = run({"eval", "--task", "classify", "-m", model,
                               folder.write("b.tsv", "sentence\tlabel\nx\tNO_SUCH_LABEL\n")});
  CHECK(unknown.status == 1);
  CHECK(unknown.err.find("NO_SUCH_LABEL") != std::string::npos);
  CHECK(unknown.err.find("b.tsv: example 1") != std::string::npos);
  const Outcome twice = run({"eval", "--task", "classify", "-m", model,
                             folder.write("d.tsv", "sentence\tlabel\tlabel\nx\t1\t0\n")});
  CHECK(twice.status == 1);
  CHECK(twice.err.find("\"label\" more than once") != std::string::npos);
  const Outcome ragged = run(
      {"eval", "--task", "classify", "-m", model, folder.write("c.tsv", "sentence\tlabel\nx\n")});
  CHECK(ragged.status == 1);
  CHECK(ragged.err.find("line 2") != std::string::npos);
}

TEST_CASE("eval on golden checkpoints: every task runs and its figures are in range") {
  const TemporaryFolder folder;
  const std::string sts =
      folder.write("s.tsv",
                   "g\tf\t1\t1\t5.0\ta tree\ta tree\ng\tf\t1\t2\t0.5\twater\tthe bleak leaf\tx\ty\n"
                   "g\tf\t1\t3\t2.5\tthe \"tree\ta journey\n");
  CHECK(eval("sts", sts, golden("st-bert-mean"))["metrics"]["spearman"].is_number());
  const std::string ner =
      folder.write("n.txt", "en:Maria\tB-PER\nen:lives\tO\n\nen:Berlin\tB-LOC\n");
  const Json spans = eval("ner", ner, golden("bert-ner-vocab-cased"));
  CHECK(spans["n"] == 2);
  CHECK(spans["metrics"]["f1"].get<double>() <= 1);
  const std::string squad =
      folder.write("q.json", R"({"version":"1.1","data":[{"title":"t","paragraphs":[
      {"context":"Maria lives in Berlin.","qas":[{"id":"1","question":"Where does Maria live?",
       "answers":[{"text":"Berlin","answer_start":15}]}]},
      {"context":"The sapwood carries water.","qas":[{"id":"2","question":"What carries water?",
       "answers":[{"text":"sapwood","answer_start":4}]}]}]}]})");
  const Json answers = eval("qa", squad, golden("bert-qa"));
  CHECK(answers["n"] == 2);
  CHECK(answers["metrics"]["f1"].get<double>() >= answers["metrics"]["exact_match"].get<double>());
  const Json found = eval("retrieval", squad, golden("st-bert-mean"));
  CHECK(found["metrics"]["recall@10"] == 1.0);  // there are but two documents
  const std::string lines = folder.write("m.txt", "the tree carries water\n\nthe leaf\n");
  const Json masked = eval("mlm", lines, golden("distilbert-mlm"));
  CHECK(masked["n"] == 2);
  CHECK(masked["metrics"]["pseudo_perplexity"].get<double>() ==
        Approx(std::exp(masked["metrics"]["loss"].get<double>())));
  CHECK(masked["metrics"] == eval("mlm", lines, golden("distilbert-mlm"))["metrics"]);
  CHECK(run({"eval", "--task", "qa", "-m", golden("bert-qa"), lines}).status == 1);
  CHECK(run({"eval", "--task", "sts", "-m", golden("st-bert-mean"), "/no/such/file"}).status == 1);
}

TEST_CASE("eval agrees with the trained models' published accuracy") {
  const std::string data = shared_or_skip("data/sst2/dev.tsv");
  if (data.empty()) return;
  for (const auto& [name, published] :
       {std::pair{"distilbert-sst2-3l", 0.893}, {"distilbert-sst2-fff-3l", 0.872}}) {
    const std::string model = shared_or_skip(std::string("models/") + name);
    if (model.empty()) return;
    const Json result = eval("classify", data, model);
    CHECK(result["n"] == 872);
    // Published from bf16 on a GPU: a few sentences of 872 may fall the other way.
    CHECK(result["metrics"]["accuracy"].get<double>() == Approx(published).margin(0.008));
  }
}
