// The public functions that the other tests do not reach, while allocations fail.
#include "catch.h"
#include "operations.h"
#include "sapwood/utf8.h"

namespace sapwood::test {
namespace {

const fs::path kModel = golden_dir() / "bert-cross-encoder";
constexpr std::string_view kText = "Crème brûlée in Zürich, and [MASK] more water than wine";

TEST_CASE("finding models") {
  check_every_allocation({[] {
    std::string answer = find_model(kModel.string()).string();
    for (const fs::path& file : model_files(kModel)) answer += file.string();
    for (const fs::path& path : list_models()) answer += path.string();
    return answer;
  }});
  check_every_allocation({[] { return error_of([] { find_model("no/such/model"); }); }});
  check_every_allocation({[] { return error_of([] { find_model("nosuchmodel"); }); }});
}

TEST_CASE("a tokenizer without its model") {
  for (const char* name : {"bert-cross-encoder", "distilbert-multilabel-relu"}) {
    check_every_allocation({[name] {
      const LoadedTokenizer loaded = load_tokenizer(golden_dir() / name);
      std::string answer = std::to_string(loaded.max_length.value_or(0));
      for (const std::int32_t id : loaded.tokenizer.encode(kText).ids) answer += std::to_string(id);
      return answer;
    }});
  }
}

TEST_CASE("encoding and decoding") {
  const Tokenizer tokenizer = Tokenizer::load(kModel);
  check_every_allocation({[&] {
    std::string answer;
    const EncodeOptions options{.max_length = 16, .stride = 2};
    std::vector<Encoding> encodings(1);
    encodings[0] = tokenizer.encode(kText, kText, options);
    for (const std::string& token : tokenizer.tokens(encodings[0])) answer += token;
    answer += tokenizer.decode(encodings[0].ids);
    const std::vector<std::string> words{"un", "##known"};
    answer += tokenizer.join(words);
    Tokenizer::pad(encodings, {.fixed_length = 20});
    return answer + std::to_string(encodings[0].size());
  }});
  check_every_allocation({[&] { return error_of([&] { tokenizer.encode("\xff"); }); }});
  check_every_allocation({[&] { return error_of([&] { tokenizer.token(-1); }); }});
  check_every_allocation({[&] {
    return error_of(
        [&] { tokenizer.encode(kText, {.max_length = 3, .truncation = Truncation::none}); });
  }});
}

TEST_CASE("tokenizers as text") {
  const Tokenizer tokenizer = Tokenizer::load(kModel);
  const std::string json = tokenizer.to_json();
  const Tokenizer::Parts parts = tokenizer.to_parts();
  check_every_allocation({[&] { return Tokenizer::from_json(json).to_json(); }});
  check_every_allocation(
      {[&] { return Tokenizer::from_parts(parts).to_parts().tables.at(0).bytes; }});
  check_every_allocation({[&] { return error_of([&] { Tokenizer::from_json("{]"); }); }});
  check_every_allocation(
      {[&] { return error_of([&] { Tokenizer::from_vocab("one\ntwo\n", VocabOptions()); }); }});
}

TEST_CASE("sessions and threads") {
  const Model model = Model::load(kModel, load_options());
  const std::int32_t ids[] = {2, 9, 7, 3}, wrong[] = {-1};
  check_every_allocation({[&] {
    Session session(model, {.threads = 2, .team = Threads(2)});
    session.add({.ids = ids});
    session.run(Output::head);
    std::string answer;
    append(answer, session.hidden(0).row(3)[0]);
    append(answer, session.head(0).row(0)[0]);
    return answer + std::to_string(available_threads() > 0);
  }});
  check_every_allocation({[&] { return error_of([&] { Session(model, {.threads = 2}); }); }});
  Session session(model);
  check_every_allocation({[&] { return error_of([&] { session.add({.ids = wrong}); }); }});
  check_every_allocation({[&] { return error_of([&] { session.head(0); }); }});
  check_every_allocation({[&] { return error_of([] { Threads(-1); }); }});
}

TEST_CASE("a model without a tokenizer, and names that do not exist") {
  LoadOptions options = load_options();
  options.tokenizer = false;
  const Model model = Model::load(kModel, options);
  check_every_allocation({[&] { return error_of([&] { model.encode(kText); }); }});
  check_every_allocation({[] { return error_of([] { from_string<Isa>("sse9"); }); }});
  check_every_allocation({[] { return error_of([] { utf8::require_valid("\xff"); }); }});
}

TEST_CASE("an Error can be made without memory") {
  const std::string message(500, 'x');
  check_every_allocation({[&] {
    const Error error(ErrorCode::too_long, message);
    if (error.code() == ErrorCode::out_of_memory) throw Error(error);
    return std::string(error.what());
  }});
}

}  // namespace
}  // namespace sapwood::test
