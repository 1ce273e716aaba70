// Models that the Hugging Face libraries downloaded, and caches that are damaged or made to harm.
#include "load/hub_cache.h"

#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <optional>

#include "catch.h"
#include "golden.h"
#include "hub_cache.h"

namespace sapwood::test {
namespace {

const char* const kVariables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
                                  "XDG_CACHE_HOME", "HOME"};

// The environment of a test, which is as it was afterwards. What is not named is not set.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& values) {
    for (const char* name : kVariables) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
    }
    for (const auto& [name, value] : values) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const char* name : kVariables) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::map<std::string, std::string> before_;
};

struct Fixture {
  HubCache cache;
  Environment environment{{{"HF_HUB_CACHE", cache.path().string()}}};
};

const fs::path kEncoder = golden_dir() / "st-bert-mean";
const std::string kFolder = "models--org--encoder";

TEST_CASE("a model that was downloaded is found by its name", "[hub_cache]") {
  const Fixture f;
  f.cache.add(kFolder, kEncoder);
  f.cache.add("models--bert-tiny", kEncoder);
  f.cache.add_snapshot(kFolder, golden_dir() / "bert-qa", kOtherCommit);
  f.cache.add_ref(kFolder, "v1.0", kOtherCommit);
  f.cache.add_ref(kFolder, "refs/pr/7", kOtherCommit);

  const fs::path main = f.cache.snapshot(kFolder);
  const fs::path other = f.cache.snapshot(kFolder, kOtherCommit);
  CHECK(find_model("org/encoder") == main);
  CHECK(find_model("bert-tiny") == f.cache.snapshot("models--bert-tiny"));
  CHECK(find_model("org/encoder@main") == main);
  CHECK(find_model("org/encoder@v1.0") == other);
  CHECK(find_model("org/encoder@refs/pr/7") == other);
  CHECK(find_model("org/encoder@" + kOtherCommit) == other);
  // A model's folder itself, and a snapshot.
  CHECK(find_model(f.cache.model(kFolder).string()) == main);
  CHECK(find_model(f.cache.model(kFolder).string() + "/") == main);
  CHECK(find_model(other.string()) == other);

  const Model model = Model::load(find_model("org/encoder")), golden = Model::load(kEncoder);
  const RandomTexts texts(golden, 3, 1);
  CHECK(run(model, texts.sequences, Output::hidden) ==
        run(golden, texts.sequences, Output::hidden));

  const std::vector<fs::path> models = list_models();
  CHECK(std::count(models.begin(), models.end(), f.cache.model(kFolder)) == 1);
  CHECK(model_name(f.cache.model(kFolder)) == "org/encoder");
  CHECK(model_name(f.cache.model("models--bert-tiny")) == "bert-tiny");
}

TEST_CASE("the only snapshot is taken where refs/main is missing", "[hub_cache]") {
  const Fixture f;
  f.cache.add_snapshot(kFolder, kEncoder);
  CHECK(find_model("org/encoder") == f.cache.snapshot(kFolder));
  CHECK(find_model(f.cache.model(kFolder).string()) == f.cache.snapshot(kFolder));
  f.cache.add_snapshot(kFolder, kEncoder, kOtherCommit);
  check_refused([] { find_model("org/encoder"); }, ErrorCode::not_found,
                {"several snapshots", "org/encoder@REVISION", kCommit, kOtherCommit});
}

TEST_CASE("a converted file that was downloaded is found", "[hub_cache]") {
  const Fixture f;
  f.cache.add("models--org--tree", source_dir() / "models/minilm-fff-ner");
  CHECK(find_model("org/tree") == f.cache.snapshot("models--org--tree") / "model.safetensors");
}

TEST_CASE("the cache's folder is where huggingface_hub has it", "[hub_cache]") {
  using Values = std::map<std::string, std::string>;
  const auto folder = [](const Values& values) {
    const Environment environment(values);
    return hub_cache().value_or("none");
  };
  Values values{{"HF_HUB_CACHE", "/a"},
                {"HUGGINGFACE_HUB_CACHE", "/b"},
                {"HF_HOME", "/c"},
                {"XDG_CACHE_HOME", "/d"},
                {"HOME", "/e"}};
  CHECK(folder(values) == "/a");
  values["HF_HUB_CACHE"] = "~/f";
  CHECK(folder(values) == "/e/f");
  values["HF_HUB_CACHE"] = "";
  CHECK(folder(values) == "/b");
  values.erase("HUGGINGFACE_HUB_CACHE");
  CHECK(folder(values) == "/c/hub");
  values.erase("HF_HOME");
  CHECK(folder(values) == "/d/huggingface/hub");
  values.erase("XDG_CACHE_HOME");
  CHECK(folder(values) == "/e/.cache/huggingface/hub");
  values.erase("HOME");
  CHECK(folder(values) == "none");
}

TEST_CASE("names that the hub cannot have are joined to no folder", "[hub_cache]") {
  for (const char* name : {"",
                           "/",
                           "org/",
                           "/name",
                           "..",
                           "../x",
                           "org/..",
                           "a/../b",
                           "a/b/c",
                           ".hidden",
                           "org/.x",
                           "-x",
                           "org/-x",
                           "a--b",
                           "a b",
                           "a\nb",
                           "org/name@",
                           "org/name@..",
                           "org/name@../../etc",
                           "org/name@a//b",
                           "org/name@/etc",
                           "@main",
                           "org/name@-x"}) {
    INFO(name);
    CHECK_FALSE(parse_hub_name(name));
  }
  CHECK_FALSE(parse_hub_name(std::string(97, 'x')));
  for (const char* name : {"a", "org/name", "Org_1/na-me.v2", "org/name@v1", "org/name@refs/pr/1"})
    CHECK(parse_hub_name(name));
  for (const char* folder : {"models--", "models--a--..", "models--..", "models--a--b--c", "x",
                             "datasets--a--b", "models--.."})
    CHECK_FALSE(hub_id(folder));
}

TEST_CASE("a name that was not downloaded says where it was looked for", "[hub_cache]") {
  const Fixture f;
  check_refused([] { find_model("org/encoder"); }, ErrorCode::not_found,
                {"no model 'org/encoder'", f.cache.path().string(), "hf download org/encoder"});
  check_refused([] { find_model("org/encoder@v2"); }, ErrorCode::not_found,
                {"hf download org/encoder --revision v2"});
  check_refused([] { find_model("no-such-model"); }, ErrorCode::not_found,
                {(source_dir() / "models").string(), f.cache.path().string()});
  f.cache.add(kFolder, kEncoder);
  check_refused([] { find_model("org/encoder@v2"); }, ErrorCode::not_found,
                {"expected a snapshot of 'v2'", kCommit, "hf download org/encoder --revision v2"});
}

TEST_CASE("refs/main that names no commit is refused", "[hub_cache]") {
  const Fixture f;
  f.cache.add_snapshot(kFolder, kEncoder);
  const fs::path main = f.cache.model(kFolder) / "refs/main";
  const auto find = [] { find_model("org/encoder"); };
  const std::string good = kCommit;
  for (const std::string& bytes :
       {std::string("../../etc"), std::string(), "\n" + good, good + "/..", good.substr(1),
        std::string("\x1b[2J"), std::string(40, '.'), good + '\0'}) {
    f.cache.add_ref(kFolder, "main", bytes);
    check_refused(find, ErrorCode::malformed, {main.string(), "40 hexadecimal digits"});
    CHECK(f.cache.model(kFolder) != find_model(f.cache.snapshot(kFolder).string()));
  }
  f.cache.add_ref(kFolder, "main", std::string(5000, 'a'));
  check_refused(find, ErrorCode::malformed, {main.string(), "at most 1024 bytes"});
  for (const char* end : {"\n", "\r\n"}) {
    f.cache.add_ref(kFolder, "main", good + end);
    CHECK(find_model("org/encoder") == f.cache.snapshot(kFolder));
  }
  fs::remove(main);
  REQUIRE(::mkfifo(main.c_str(), 0600) == 0);
  check_refused(find, ErrorCode::io, {main.string(), "found a FIFO"});
  fs::remove(main);
  fs::create_directory(main);
  check_refused(find, ErrorCode::io, {main.string(), "found a directory"});
  fs::remove(main);
  fs::create_symlink("/no/such/file", main);
  check_refused(find, ErrorCode::io, {main.string(), "leads nowhere"});
  // Nor does a listing fail for it.
  const std::vector<fs::path> models = list_models();
  CHECK(std::count(models.begin(), models.end(), f.cache.model(kFolder)) == 0);
}

TEST_CASE("a snapshot that is missing is named", "[hub_cache]") {
  const Fixture f;
  f.cache.add_snapshot(kFolder, kEncoder, kOtherCommit);
  f.cache.add_ref(kFolder, "main", kCommit);
  check_refused([] { find_model("org/encoder"); }, ErrorCode::not_found,
                {kCommit, "only " + kOtherCommit, "hf download org/encoder"});
  fs::remove_all(f.cache.model(kFolder) / "snapshots");
  check_refused([] { find_model("org/encoder"); }, ErrorCode::not_found,
                {"found no snapshots", "hf download org/encoder"});
}

TEST_CASE("a download that is not whole says what is missing and how to get it", "[hub_cache]") {
  const Fixture f;
  f.cache.add(kFolder, kEncoder);
  const fs::path snapshot = f.cache.snapshot(kFolder);
  const auto load = [] { Model::load(find_model("org/encoder")); };
  const std::string advice = "hf download org/encoder --revision " + kCommit;
  fs::remove(snapshot / "model.safetensors");
  check_refused(load, ErrorCode::not_found,
                {snapshot.string(), "expected weights", "model.safetensors", advice});
  // Its tokenizer can be used all the same.
  CHECK_NOTHROW(load_tokenizer(find_model("org/encoder")));
  // Nothing but the weights.
  f.cache.add("models--org--bare", kEncoder);
  fs::remove(f.cache.snapshot("models--org--bare") / "config.json");
  check_refused([] { Model::load(find_model("org/bare")); }, ErrorCode::not_found,
                {"config.json: no such file", "hf download org/bare"});
  fs::create_symlink("../../blobs/none", snapshot / "model.safetensors");
  check_refused(load, ErrorCode::io, {"model.safetensors", "leads nowhere", advice});
  fs::remove(snapshot / "model.safetensors");
  fs::remove(snapshot / "config.json");
  check_refused(load, ErrorCode::not_found, {"config.json", advice});
  fs::remove(snapshot / "tokenizer.json");
  fs::remove(snapshot / "vocab.txt");
  check_refused([] { load_tokenizer(find_model("org/encoder")); }, ErrorCode::not_found,
                {"tokenizer.json", advice});
}

TEST_CASE("an error elsewhere is not explained by the cache", "[hub_cache]") {
  const Error error(ErrorCode::not_found, "x: no such file");
  CHECK(explain_partial_download(error, "/models/x").what() == std::string("x: no such file"));
  const Error io(ErrorCode::io, "x: cannot read");
  CHECK(explain_partial_download(io, "/c/models--a--b/snapshots/" + kCommit).what() ==
        std::string("x: cannot read"));
}

}  // namespace
}  // namespace sapwood::test
