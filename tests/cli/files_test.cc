// Files of a model that are not what they should be: nothing waits, and messages name the file and
// what is wrong with it.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "answers.h"
#include "catch.h"
#include "process.h"

using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

void check_told(const std::vector<std::string>& arguments, const std::string& message,
                const RunOptions& options = {}) {
  const Outcome outcome = run(arguments, options);
  INFO(outcome.err);
  CHECK(outcome.status == 1);
  // Of a model that it cannot load, inspect says what it is.
  if (arguments[0] != "inspect") CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, ContainsSubstring(message));
  CHECK(outcome.err.find("unexpected") == std::string::npos);
}

std::string copy_of(const TemporaryFolder& folder, const std::string& model) {
  fs::copy(golden(model), folder.path("model"), fs::copy_options::recursive);
  return folder.path("model");
}

// Gives up root's right to read everything. The test's folder must let others in.
void become_nobody() {
  constexpr uid_t kNobody = 65534;
  if (::geteuid() == 0 && ::setuid(kNobody) != 0) std::_Exit(99);
}

}  // namespace

TEST_CASE("tokenize waits for no file of a model, and overlooks none") {
  for (const std::string file : {"config.json", "tokenizer.json", "tokenizer_config.json",
                                 "modules.json", "sentence_bert_config.json"}) {
    const TemporaryFolder folder;
    const std::string model = copy_of(folder, "st-bert-mean");
    const std::string path = model + "/" + file;
    fs::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    check_told({"tokenize", "-m", model, "x"}, path + ": expected a regular file, found a FIFO");
    fs::remove(path);
    fs::create_directory(path);
    check_told({"tokenize", "-m", model, "x"},
               path + ": expected a regular file, found a directory");
    fs::remove(path);
    fs::create_symlink("/no/such/file", path);
    check_told({"tokenize", "-m", model, "x"}, path + ": is a link that leads nowhere");
    fs::remove(path);
    if (file == "modules.json") continue;  // whose contents tokenize does not need
    folder.write("model/" + file, "{\"a\": ]");
    check_told({"tokenize", "-m", model, "x"}, path + ": not valid JSON");
  }
}

TEST_CASE("A link that leads nowhere is no missing file, whatever file of a model it is") {
  for (const std::string file :
       {"config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json",
        "special_tokens_map.json", "modules.json", "sentence_bert_config.json",
        "1_Pooling/config.json", "model.safetensors"}) {
    const TemporaryFolder folder;
    const std::string model = copy_of(folder, "st-bert-mean");
    const std::string path = model + "/" + file;
    fs::remove(path);
    fs::create_symlink("/no/such/file", path);
    const std::string message = path + ": is a link that leads nowhere";
    check_told({"embed", "-m", model, "x"}, message);
    check_told({"inspect", model}, message);
    check_told({"convert", model, "-o", folder.path("out.safetensors")}, message);
    CHECK_FALSE(fs::exists(folder.path("out.safetensors")));
  }
  // A folder of a module that leads nowhere.
  const TemporaryFolder folder;
  const std::string model = copy_of(folder, "st-bert-mean");
  fs::remove_all(model + "/1_Pooling");
  fs::create_symlink("/no/such/folder", model + "/1_Pooling");
  check_told({"embed", "-m", model, "x"}, model + "/1_Pooling/config.json: no such file");
  // Weights in shards.
  const std::string sharded = folder.path("sharded");
  fs::copy(golden("bert-base-sharded"), sharded, fs::copy_options::recursive);
  const std::string shard = "model-00002-of-00004.safetensors";
  fs::remove(sharded + "/" + shard);
  fs::create_symlink("/no/such/file", sharded + "/" + shard);
  check_told({"embed", "-m", sharded, "x"}, shard);
  fs::remove(sharded + "/model.safetensors.index.json");
  fs::create_symlink("/no/such/file", sharded + "/model.safetensors.index.json");
  check_told({"embed", "-m", sharded, "x"},
             sharded + "/model.safetensors.index.json: is a link that leads nowhere");
}

TEST_CASE("tokenize cuts where the model would") {
  const std::string text(2000, '.');
  const auto length = [&](const std::string& model, const std::string& command) {
    const Json answer = answers({command, "-q", "-m", model, "--pooling", "none", text}).at(0);
    return answer.at("tokens").size();
  };
  const auto tokens = [&](const std::string& model) {
    return answers({"tokenize", "-q", "-m", model, text}).at(0).at("tokens").size();
  };
  for (const char* name : {"st-bert-mean", "distilbert-base", "bert-fff-mlm"}) {
    CHECK(tokens(golden(name)) == length(golden(name), "embed"));
  }
  const TemporaryFolder folder;
  const std::string model = copy_of(folder, "st-bert-mean");
  folder.write("model/sentence_bert_config.json", R"({"max_seq_length": 9})");
  CHECK(tokens(model) == 9);
  CHECK(length(model, "embed") == 9);
  // The configuration of a model that cannot be run says how many positions it has.
  folder.write("model/sentence_bert_config.json", "{}");
  folder.write("model/config.json", R"({"model_type": "other", "max_position_embeddings": 7})");
  CHECK(tokens(model) == 7);
}

TEST_CASE("What must not be read is not called missing") {
  const TemporaryFolder folder;
  const std::string model = copy_of(folder, "distilbert-base");
  fs::permissions(folder.path(""), fs::perms::all);
  RunOptions options;
  options.prepare = become_nobody;
  if (run({"--version"}, options).status != 0) {
    std::cout << "skipped: the program cannot be run as another user\n";
    return;
  }
  fs::permissions(model + "/config.json", fs::perms::none);
  for (const char* command : {"embed", "tokenize", "inspect"}) {
    check_told({command, "-m", model, command == std::string("inspect") ? "-q" : "x"},
               model + "/config.json: cannot open: Permission denied", options);
  }
  fs::permissions(model, fs::perms::none);
  check_told({"embed", "-m", model, "x"}, model + ": cannot open: Permission denied", options);
  check_told({"tokenize", "-m", model, "x"}, "Permission denied", options);
  check_told({"embed", "-m", model + "/model.safetensors", "x"},
             "model.safetensors: cannot look up: Permission denied", options);
  options.env = {{"SAPWOOD_MODELS", model}};
  check_told({"embed", "-m", "no-such-name", "x"},
             model + " (which cannot be read: Permission denied)", options);
  fs::permissions(model, fs::perms::all);
}

TEST_CASE("Mismatches name the file") {
  const TemporaryFolder folder;
  const std::string model = copy_of(folder, "distilbert-sentiment-f16");
  const auto use = [&](const std::string& source, const std::string& config) {
    folder.write("model/config.json", config);
    fs::copy_file(golden(source) + "/model.safetensors", model + "/model.safetensors",
                  fs::copy_options::overwrite_existing);
  };
  const std::string weights = "sapwood: " + model + "/model.safetensors: ";
  Json config = Json::parse(read_file(golden("distilbert-sentiment-f16") + "/config.json"));
  use("distilbert-base", config.dump());
  check_told({"classify", "-m", model, "x"}, weights + "tensor '");  // no head
  use("bert-qa", read_file(golden("distilbert-base") + "/config.json"));
  check_told({"embed", "-m", model, "x"}, weights + "expected a tensor '");  // no such encoder
  Json wide = config;
  wide["hidden_dim"] = 8;
  use("distilbert-sentiment-f16", wide.dump());
  check_told({"classify", "-m", model, "x"}, weights + "tensor '");  // another shape
  Json labels = config;
  labels["id2label"] = {{"0", "a"}};
  labels["label2id"] = {{"a", 0}};
  use("distilbert-sentiment-f16", labels.dump());
  check_told({"classify", "-m", model, "x"}, "sapwood: " + model + "/config.json: ");
}

TEST_CASE("A file alone in place of a model says what to give") {
  const std::string pickle = golden("bert-mlm-bin"), plain = golden("distilbert-base");
  for (const char* command : {"embed", "tokenize", "bench"}) {
    check_told({command, "-m", pickle + "/pytorch_model.bin"}, "give its directory: " + pickle);
    check_told({command, "-m", plain + "/model.safetensors"}, "give its directory: " + plain);
  }
}

TEST_CASE("inspect says of a directory that is refused why, and what it is") {
  const TemporaryFolder folder;
  const std::string config = folder.write("config.json", R"({"model_type": "deberta-v2"})");
  const std::string directory = std::filesystem::path(config).parent_path().string();
  for (const bool check : {false, true}) {
    std::vector<std::string> arguments{"inspect", "--json", directory};
    if (check) arguments.push_back("--check");
    const Outcome outcome = run(arguments);
    INFO(outcome.err);
    CHECK(outcome.status == 1);
    CHECK(outcome.err.empty() == check);  // the answer is no failure of the check
    const Json found = Json::parse(outcome.out);
    CHECK(found["loads"] == false);
    CHECK(found["architecture"] == "deberta-v2");
    CHECK(found["tokenizer"].is_null());
    CHECK(found["because"].size() >= 2);
  }
  const Outcome good = run({"inspect", "--check", golden("roberta-wordpiece-ner")});
  CHECK(good.status == 0);
  CHECK_THAT(good.out, ContainsSubstring("loads           true") &&
                           ContainsSubstring("architecture    roberta") &&
                           ContainsSubstring("head            token_classification") &&
                           ContainsSubstring("tokenizer       WordPiece"));
  CHECK(run({"inspect", "--check", directory + "/nothing"}).status == 1);
}
