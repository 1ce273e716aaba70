// Files: directories, what wins, what must agree, what is kept.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"
#include "small_vocab.h"

namespace fs = std::filesystem;
using sapwood::ErrorCode;
using sapwood::Tokenizer;
using sapwood::test::error_of;
using sapwood::test::mentions;
using sapwood::test::options_for;
using sapwood::test::small_tokenizer;
using sapwood::test::small_vocab;

namespace {

// A directory that goes away with the test.
class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "sapwood-tokenizer-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("vocab.json and merges.txt without tokenizer.json are refused with the way out") {
  Directory d;
  d.write("vocab.json", "{}");
  d.write("merges.txt", "");
  CHECK(mentions(error_of([&] { Tokenizer::load(d.path()); }, ErrorCode::unsupported),
                 "save_pretrained"));
}

TEST_CASE("a directory with vocab.txt and tokenizer_config.json") {
  Directory d;
  d.write("vocab.txt", small_vocab());
  CHECK(Tokenizer::load(d.path()).encode("HELLO").ids[1] == 13);
  CHECK(mentions(Tokenizer::load(d.path()).notices().at(0), "vocab.txt"));
  CHECK(Tokenizer::load(d.path(), options_for(true)).encode("HELLO").ids[1] == 13);
  d.write("tokenizer_config.json", R"({"do_lower_case": false, "model_max_length": 512})");
  const Tokenizer cased = Tokenizer::load(d.path());
  CHECK(cased.encode("HELLO").ids[1] == *cased.unk_id());
  CHECK(cased.model_max_length() == 512);
  CHECK(cased.encode("é").ids[1] == *cased.id("é"));
  // The caller's word counts for more than the file's.
  CHECK(Tokenizer::load(d.path(), options_for(true)).encode("HELLO").ids[1] == 13);
  d.write("tokenizer_config.json", R"({"do_lower_case": true, "strip_accents": false})");
  CHECK(Tokenizer::load(d.path()).encode("É").ids[1] == *cased.id("é"));
  d.write("tokenizer_config.json", R"({"do_lower_case": true, "tokenize_chinese_chars": false})");
  CHECK(Tokenizer::load(d.path()).encode("中文").size() == 3);
  d.write("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  CHECK_FALSE(Tokenizer::load(d.path()).model_max_length());
  CHECK(Tokenizer::load(d.path()).encode("HELLO").ids[1] == 13);
  d.write("tokenizer_config.json", R"({"do_lower_case": "yes"})");
  CHECK(mentions(error_of([&] { Tokenizer::load(d.path()); }, ErrorCode::malformed),
                 "do_lower_case"));
  d.write("tokenizer_config.json", "{");
  CHECK(mentions(error_of([&] { Tokenizer::load(d.path()); }, ErrorCode::malformed),
                 "tokenizer_config.json"));
}

TEST_CASE("a vocab.txt that lacks a special token is named") {
  Directory d;
  for (const char* text : {"", "hello\nworld\n"}) {
    d.write("vocab.txt", text);
    const std::string message = error_of([&] { Tokenizer::load(d.path()); }, ErrorCode::malformed);
    CHECK(message.starts_with((d.path() / "vocab.txt").string() + ": "));
    CHECK(mentions(message, "lacks the special token '[CLS]'"));
  }
}

TEST_CASE("a bare vocab.txt and a bare tokenizer.json") {
  Directory d;
  d.write("words.txt", small_vocab());
  d.write("one.json", small_tokenizer().to_json());
  CHECK(Tokenizer::load(d.path() / "words.txt", options_for(true)).to_json() ==
        Tokenizer::load(d.path() / "one.json").to_json());
  CHECK(mentions(Tokenizer::load(d.path() / "words.txt").notices().at(0), "words.txt"));
}

TEST_CASE(
    "of vocab.txt and tokenizer.json in one directory the latter counts, and a difference is told "
    "(26)") {
  Directory d;
  d.write("tokenizer.json", small_tokenizer().to_json());
  d.write("vocab.txt", small_vocab());
  CHECK(Tokenizer::load(d.path()).encode("hello").ids[1] == 13);
  CHECK(Tokenizer::load(d.path()).notices().empty());
  const auto notice = [&] {
    const Tokenizer t = Tokenizer::load(d.path());
    CHECK(t.encode("hello").ids[1] == 13);
    return t.notices().at(0);
  };
  std::string other = small_vocab();
  other.replace(other.find("hello"), 5, "hallo");
  d.write("vocab.txt", other);
  CHECK(mentions(notice(), "the id 13 is that of 'hallo' in one and that of 'hello' in the other"));
  d.write("vocab.txt", small_vocab() + "more\n");
  CHECK(mentions(notice(), "in one and"));
  d.write("vocab.txt", small_vocab().substr(0, small_vocab().size() - 2));
  CHECK(mentions(notice(), "vocab.txt"));
}

TEST_CASE("what is not there, not a file, or not a tokenizer") {
  Directory d;
  CHECK(mentions(error_of([&] { Tokenizer::load(d.path()); }, ErrorCode::not_found), "neither"));
  CHECK(mentions(error_of([&] { Tokenizer::load(d.path() / "x"); }, ErrorCode::not_found),
                 "No such file"));
  fs::create_directory(d.path() / "tokenizer.json");
  CHECK(mentions(error_of([&] { Tokenizer::load(d.path()); }, ErrorCode::io), "a directory"));
  CHECK(mentions(error_of([&] { Tokenizer::load("/dev/zero", options_for(true)); }, ErrorCode::io),
                 "/dev/zero"));
}

TEST_CASE("the file's truncation and padding are told, not applied") {
  const std::string path = SAPWOOD_SOURCE_DIR "/../shared/data/tokenizer/all-MiniLM-L6-v2";
  if (!fs::exists(path)) {
    WARN("skipped: no " + path);
    return;
  }
  const Tokenizer t = Tokenizer::load(path);
  REQUIRE(t.truncation());
  CHECK(t.truncation()->max_length == 256);
  CHECK(t.default_options().max_length == 256);
  REQUIRE(t.padding());
  CHECK_FALSE(t.padding()->fixed_length);
  CHECK(t.padding()->pad_token == "[PAD]");
  CHECK(t.model_max_length() == 512);
  std::string text;
  for (int i = 0; i < 300; ++i) text += "word ";
  CHECK(t.encode(text).size() == 302);
  CHECK(t.encode(text, t.default_options()).size() == 256);
  CHECK(t.num_special_tokens(false) == 2);
  CHECK(t.num_special_tokens(true) == 3);
  const Tokenizer again = Tokenizer::from_json(t.to_json());
  CHECK(again.truncation()->max_length == 256);
  CHECK(again.model_max_length() == 512);
}
