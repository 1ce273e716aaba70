// What a command writes never replaces what it reads; what is not finished does not look finished;
// every refusal of the system is a message.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "catch.h"
#include "process.h"
#include "sanitizer.h"

using namespace sapwood::test;
namespace fs = std::filesystem;

namespace {

// A folder with a model, and links to one of its files.
struct Workplace {
  Workplace() {
    fs::copy(golden("distilbert-fff-sentiment"), folder.path("model"), fs::copy_options::recursive);
    fs::create_directories(folder.path("model/1_Pooling"));
    folder.write("model/1_Pooling/config.json", "{}");
    folder.write("in.jsonl", "{\"text\":\"a journey\"}\n");
    folder.write("data.tsv", "sentence\tlabel\na journey\t1\n");
    folder.write("lengths.txt", "4\n");
    REQUIRE(run({"convert", "-q", model, "-o", file}).status == 0);
    fs::create_symlink(file, folder.path("link"));
    fs::create_hard_link(file, folder.path("hard"));
  }

  // The command must be refused, and the file stay as it was.
  void check_refused(const std::vector<std::string>& arguments, const std::string& kept,
                     const RunOptions& options = {}) const {
    const std::string before = read_file(kept);
    const Outcome outcome = run(arguments, options);
    INFO(arguments[0] << ' ' << kept << '\n' << outcome.err);
    CHECK(outcome.status == 2);
    CHECK_THAT(outcome.err, ContainsSubstring("are the same file; write to another one"));
    CHECK(outcome.out.empty());
    CHECK(read_file(kept) == before);
  }

  TemporaryFolder folder;
  std::string model = folder.path("model");
  std::string file = folder.path("model.sapwood");
};

}  // namespace

TEST_CASE("No command writes over the model it reads") {
  const Workplace w;
  for (const char* command : {"classify", "embed", "tokenize"}) {
    for (const std::string& output :
         {w.file, w.folder.path("link"), w.folder.path("hard"), w.folder.path("./link")}) {
      w.check_refused({command, "-m", w.file, "-o", output, "x"}, w.file);
    }
    for (const char* part : {"model.safetensors", "config.json", "tokenizer.json",
                             "tokenizer_config.json", "1_Pooling/config.json"}) {
      const std::string output = w.model + "/" + part;
      w.check_refused({command, "-m", w.model, "-o", output, "x"}, output);
    }
  }
  w.check_refused({"inspect", w.file, "-o", w.file}, w.file);
  w.check_refused({"inspect", w.model, "-o", w.model + "/config.json"}, w.model + "/config.json");
  w.check_refused(
      {"eval", "--task", "classify", "-m", w.file, w.folder.path("data.tsv"), "-o", w.file},
      w.file);
  const std::vector<std::pair<std::string, std::vector<std::string>>> others{
      {"bert-ner-vocab-cased", {"ner", "x"}},
      {"distilbert-mlm", {"fill-mask", "[MASK]"}},
      {"bert-qa", {"qa", "--question", "who", "--context", "me"}},
      {"bert-cross-encoder", {"rerank", "--query", "a", "b"}}};
  for (const auto& [name, arguments] : others) {
    const std::string copy = w.folder.path(name);
    fs::copy(golden(name), copy, fs::copy_options::recursive);
    std::vector<std::string> all = arguments;
    all.insert(all.begin() + 1, {"-m", copy, "-o", copy + "/config.json"});
    w.check_refused(all, copy + "/config.json");
  }
  const std::string sharded = w.folder.path("bert-base-sharded");
  fs::copy(golden("bert-base-sharded"), sharded, fs::copy_options::recursive);
  for (const char* part : {"model.safetensors.index.json", "model-00003-of-00004.safetensors"}) {
    const std::string output = sharded + "/" + part;
    w.check_refused({"embed", "-m", sharded, "-o", output, "x"}, output);
  }
  // Beside the model, and in its folder under a name of one's own, results may stand again and
  // again.
  for (int i = 0; i < 2; ++i) {
    for (const std::string& output : {w.folder.path("out.jsonl"), w.model + "/out.jsonl"}) {
      CHECK(run({"classify", "-m", w.model, "-o", output, "x"}).status == 0);
    }
  }
}

TEST_CASE("No command writes over its input") {
  const Workplace w;
  const std::string in = w.folder.path("in.jsonl"), data = w.folder.path("data.tsv");
  fs::create_symlink(in, w.folder.path("in-link"));
  w.check_refused({"classify", "-m", w.file, "-i", in, "-o", in}, in);
  w.check_refused({"classify", "-m", w.file, "-i", in, "-o", w.folder.path("in-link")}, in);
  w.check_refused({"eval", "--task", "classify", "-m", w.file, data, "-o", data}, data);
  w.check_refused(
      {"rerank", "-m", w.file, "--query", "q", "--input-format", "text", "-i", in, "-o", in}, in);
}

TEST_CASE("Redirected standard input and output are compared too") {
  const Workplace w;
  const std::string in = w.folder.path("in.jsonl"), lengths = w.folder.path("lengths.txt");
  RunOptions stdin_only, stdout_only, both;
  stdin_only.prepare = [&] { redirect_stdin(in); };
  stdout_only.prepare = [&] { append_stdout(in); };
  both.prepare = [&] {
    redirect_stdin(in);
    append_stdout(in);
  };
  w.check_refused({"classify", "-m", w.file, "-o", in}, in, stdin_only);
  w.check_refused({"classify", "-m", w.file, "-i", in}, in, stdout_only);
  w.check_refused({"classify", "-m", w.file, "-i", "/dev/stdin", "-o", "/dev/stdout"}, in, both);
  w.check_refused({"classify", "-m", w.file}, in, both);
  w.check_refused({"bench", "-m", w.file, "--shapes", "-"}, in, both);
  RunOptions to_model, to_lengths;
  to_model.prepare = [&] { append_stdout(w.file); };
  to_lengths.prepare = [&] { append_stdout(lengths); };
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"classify", "-m", w.file, "x"},
        {"inspect", w.file},
        {"bench", "-m", w.file, "--seconds", "0.01"}}) {
    w.check_refused(arguments, w.file, to_model);
  }
  w.check_refused({"bench", "-m", w.file, "--lengths", lengths}, lengths, to_lengths);
  // Standard input that is not read is no input.
  CHECK(run({"classify", "-m", w.file, "x", "-o", in}, stdin_only).status == 0);
}

TEST_CASE("convert writes over no file of its source") {
  const Workplace w;
  for (const char* part : {"model.safetensors", "config.json", "tokenizer.json"}) {
    const std::string output = w.model + "/" + part;
    w.check_refused({"convert", w.model, "-o", output}, output);
  }
  fs::create_symlink(w.model + "/model.safetensors", w.folder.path("weights"));
  w.check_refused({"convert", w.model, "-o", w.folder.path("weights")},
                  w.model + "/model.safetensors");
  for (int i = 0; i < 2; ++i) {
    CHECK(run({"convert", "-q", w.model, "-o", w.model + "/mine.safetensors"}).status == 0);
  }
}

TEST_CASE("Results that were not finished are not valid ones") {
  const TemporaryFolder folder;
  // Standard output is a file that fills up in the middle.
  std::string input;
  for (int i = 0; i < 3000; ++i) input += "one\n";
  for (const std::string format : {"npy", "json"}) {
    const std::string file = folder.write(format, "");
    RunOptions options;
    options.input = input;
    options.prepare = [&] {
      ::dup2(::open(file.c_str(), O_WRONLY), STDOUT_FILENO);
      limit(RLIMIT_FSIZE, 100'000);
    };
    CHECK(run({"embed", "-m", golden("distilbert-base"), "--format", format}, options).status == 1);
    const std::string bytes = read_file(file);
    REQUIRE_FALSE(bytes.empty());
    if (format == "npy") CHECK(bytes.substr(0, 128) == std::string(128, '\0'));
    CHECK(bytes.find(']', bytes.rfind('}')) == std::string::npos);  // the array is open
  }
}

// Whether a process opens a file of a folder, with a name or without, within a minute.
bool has_open(pid_t pid, const std::string& folder) {
  const fs::path descriptors = "/proc/" + std::to_string(pid) + "/fd";
  for (int i = 0; i < 6000; ++i) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(descriptors, error)) {
      if (fs::read_symlink(entry.path(), error).string().starts_with(folder)) return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_CASE("A result file appears whole or not at all, and an older one stays until then") {
  const TemporaryFolder folder;
  const std::string older = folder.write("killed.npy", "older");
  fs::permissions(older, fs::perms::owner_read | fs::perms::owner_write);
  std::string input;
  for (int i = 0; i < 3000; ++i) input += "one\n";
  for (const std::string name : {"killed.npy", "killed.jsonl"}) {
    // Killed while it waits for more input than it has written the answers of.
    CoProcess process({"embed", "-m", golden("distilbert-base"), "-o", folder.path(name)});
    process.send(input);
    CHECK(has_open(process.pid(), folder.path("")));
    CHECK(process.kill() == 128 + 9);
  }
  CHECK(read_file(older) == "older");
  CHECK(std::distance(fs::directory_iterator(folder.path("")), {}) == 1);
  REQUIRE(run({"embed", "-m", golden("distilbert-base"), "-o", older, "one"}).status == 0);
  CHECK(read_file(older).find("NUMPY") == 1);
  CHECK(fs::status(older).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  // A link is written through, and what is no file is written in its place.
  fs::create_symlink(older, folder.path("link"));
  REQUIRE(run({"classify", "-m", golden("bert-nli"), "-o", folder.path("link"), "x"}).status == 0);
  CHECK(fs::is_symlink(folder.path("link")));
  CHECK(read_file(older).find("label") != std::string::npos);
  fs::create_symlink("later.jsonl", folder.path("dangling"));
  REQUIRE(run({"classify", "-m", golden("bert-nli"), "-o", folder.path("dangling"), "x"}).status ==
          0);
  CHECK(fs::is_symlink(folder.path("dangling")));
  CHECK(fs::is_regular_file(folder.path("later.jsonl")));
  const std::string long_name = folder.path(std::string(250, 'n'));
  for (int i = 0; i < 2; ++i) {  // the second time a temporary name is needed
    CHECK(run({"classify", "-m", golden("bert-nli"), "-o", long_name, "x"}).status == 0);
  }
  const Outcome outcome = run({"classify", "-m", golden("bert-nli"), "-o", "/dev/stdout", "x"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out.find("label") != std::string::npos);
}

TEST_CASE("A limit of the shell or the disk is a failed write with its name") {
  const TemporaryFolder folder;
  const std::string model = golden("distilbert-base");
  RunOptions small_files;
  small_files.prepare = [] { limit(RLIMIT_FSIZE, 1024); };
  int failures = 0;
  for (const int texts : {1, 400}) {  // the whole output at the end; some of it while running
    std::string input;
    for (int i = 0; i < texts; ++i) input += "a journey\n";
    small_files.input = input;
    for (const std::string name : {"out.jsonl", "out.npy", "out.csv", "out.json"}) {
      fs::remove(folder.path(name));
      const Outcome outcome =
          run({"embed", "-m", model, "--pooling", "mean", "-o", folder.path(name)}, small_files);
      INFO(name << ' ' << outcome.err);
      CHECK(fs::exists(folder.path(name)) == (outcome.status == 0));
      if (outcome.status == 0) continue;  // it had room
      ++failures;
      CHECK(outcome.status == 1);
      CHECK_THAT(outcome.err, ContainsSubstring("at most 1024 bytes (ulimit -f)"));
      CHECK_THAT(outcome.err, ContainsSubstring("sapwood: cannot write to "));
    }
  }
  CHECK(failures >= 4);
  const Outcome converted =
      run({"convert", golden("distilbert-fff-sentiment"), "-o", folder.path("m.safetensors")},
          small_files);
  CHECK(converted.status == 1);
  CHECK_THAT(converted.err, ContainsSubstring("at most 1024 bytes (ulimit -f)"));
  CHECK_FALSE(fs::exists(folder.path("m.safetensors")));

  // It opens pipes to look at an object's type.
  if (sanitized("too few descriptors, because it needs some itself")) return;
  RunOptions few_files;
  few_files.prepare = [] {
    // What these tests were started with open would count.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    limit(RLIMIT_NOFILE, 4);  // one at a time
  };
  const std::string in = folder.write("in.txt", "a journey\n");
  const Outcome opened =
      run({"embed", "-m", model, "-i", in, "-o", folder.path("two.jsonl")}, few_files);
  CHECK(opened.status == 1);
  CHECK_THAT(opened.err, ContainsSubstring("ulimit -n"));
}
