// What a task does with input it cannot answer: an error in that input's place, or for the whole
// call where no input could be answered.
#include "catch.h"
#include "mutate.h"
#include "tasks_golden.h"

namespace sapwood::test {
namespace {

using namespace std::string_view_literals;

Model load(const std::string& name) { return Model::load(golden_dir() / name); }

template <class Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no Error was thrown");
  std::abort();
}

template <class T>
void check_error(const Result<T>& result, ErrorCode code) {
  REQUIRE_FALSE(result.has_value());
  INFO(result.error().what());
  CHECK(result.error().code() == code);
}

const std::string kLong = [] {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "water ";
  return text;
}();
const std::vector<std::string_view> kTexts = {"a dull movie ."sv, "broken \xC3\x28 text"sv, ""sv,
                                              kLong};

const LengthOptions kRefuse = {.truncation = Truncation::none};

// Good, invalid UTF-8, empty, too long: of any task's results, first as by default, then with
// truncation refused.
template <class T>
void check_each(const std::vector<Result<T>>& by_default, const std::vector<Result<T>>& refused) {
  REQUIRE(by_default.size() == 4);
  CHECK(by_default[0].has_value());
  CHECK_FALSE(by_default[0].value().truncated);
  check_error(by_default[1], ErrorCode::invalid_utf8);
  CHECK(by_default[2].has_value());
  CHECK(by_default[3].value().truncated);
  CHECK(refused[0].has_value());
  check_error(refused[1], ErrorCode::invalid_utf8);
  CHECK(refused[2].has_value());
  check_error(refused[3], ErrorCode::too_long);
}

std::vector<TextInput> inputs() {
  std::vector<TextInput> list;
  for (const std::string_view text : kTexts) list.push_back({text});
  return list;
}

TEST_CASE("a discriminator of replaced tokens has no task, and embeds", "[tasks][errors]") {
  const Model model = load("electra-discriminator");
  const TextInput input{.text = "wood"};
  const Error error = error_of([&] { ner(model, {}); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK_THAT(
      error.what(),
      ContainsSubstring("(electra) has a replaced_token_detection head: give another model"));
  CHECK(embed(model, {&input, 1})[0].value().dim == 32);
}

// A golden model one of whose tensors begins with a NaN.
Model with_nan(const std::string& name, const std::string& tensor) {
  const TemporaryFolder folder;
  copy_model(golden_dir() / name, folder.path(), [&](auto& tensors, auto&) {
    EditedTensor& edited = find(tensors, tensor);
    const bool half = edited.dtype == TensorDtype::f16;
    REQUIRE((half || edited.dtype == TensorDtype::f32));
    constexpr std::uint32_t kNan = 0x7FC00000, kHalfNan = 0x7E00;
    const std::uint32_t bits = half ? kHalfNan : kNan;  // in the bytes' own order
    std::memcpy(edited.bytes.data(), &bits, half ? 2 : 4);
  });
  return Model::load(folder.path());
}

TEST_CASE("an answer that is not finite is an error of its input, whatever the task",
          "[tasks][errors]") {
  const TextInput input{.text = "wood", .pair = {}};
  const auto code = ErrorCode::unsupported;
  const std::string norm = "transformer.layer.1.output_layer_norm.bias";
  const Model encoder = with_nan("distilbert-base", norm);
  for (const auto pooling : {PoolingMode::cls, PoolingMode::mean, PoolingMode::none}) {
    check_error(embed(encoder, {&input, 1}, {.pooling = pooling})[0], code);
  }
  std::vector<float> row(static_cast<std::size_t>(encoder.config().hidden));
  check_error(embed_into(encoder, {&input, 1}, row)[0], code);
  const std::string_view text = "wood", masked = "wood [MASK]";
  check_error(rerank(encoder, text, {&text, 1}), code);
  const Model masks = with_nan("distilbert-mlm", "vocab_projector.bias");
  check_error(fill_mask(masks, {&masked, 1})[0], code);
  check_error(sparse_embed(masks, {&input, 1})[0], code);
  check_error(sparse_embed(with_nan("distilbert-mlm", "distilbert." + norm), {&input, 1})[0], code);
  check_error(ner(with_nan("bert-fff-ner", "classifier.bias"), {&text, 1})[0], code);
  const Model nli = with_nan("distilbert-nli", "classifier.bias");
  const auto classes = classify(nli, {&input, 1});
  check_error(classes[0], code);
  CHECK_THAT(classes[0].error().what(), ContainsSubstring("no finite numbers"));
  check_error(zero_shot(nli, {&text, 1}, {.labels = {"a"}})[0], code);
  const QuestionInput question{"what", "wood"};
  check_error(answer(with_nan("distilbert-qa", "qa_outputs.bias"), {&question, 1})[0], code);
}

TEST_CASE("one bad text leaves the others their answers: classify and embed") {
  const Model model = load("distilbert-sentiment-f16");
  check_each(classify(model, inputs()), classify(model, inputs(), {.length = kRefuse}));
  check_each(embed(model, inputs()), embed(model, inputs(), {.length = kRefuse}));
  CHECK(classify(model, {}).empty());
  CHECK(embed(model, {}).empty());
}

TEST_CASE("one bad text leaves the others their answers: ner") {
  const Model model = load("distilbert-ner-cased");
  check_each(ner(model, kTexts), ner(model, kTexts, {.length = kRefuse}));
  CHECK(ner(model, kTexts)[2].value().entities.empty());
  // Windows read all of a long text, so nothing is refused.
  const auto windows = ner(model, kTexts, {.stride = 8, .length = kRefuse});
  CHECK(windows[3].has_value());
  CHECK_FALSE(windows[3].value().truncated);
  check_error(ner(model, kTexts, {.stride = 8, .length = {.max_length = 8}})[3],
              ErrorCode::invalid_argument);
}

TEST_CASE("one bad text leaves the others their answers: fill_mask") {
  const Model model = load("bert-mlm-bin");
  const std::string cut = kLong + "[MASK]";
  const std::vector<std::string_view> texts = {"the [MASK] .", "no mask here", "bad \xFF [MASK]",
                                               cut};
  const auto results = fill_mask(model, texts);
  CHECK(results[0].value().masks.size() == 1);
  check_error(results[1], ErrorCode::invalid_argument);
  check_error(results[2], ErrorCode::invalid_utf8);
  check_error(results[3], ErrorCode::invalid_argument);
  CHECK(std::string(results[3].error().what()).find("cut") != std::string::npos);
  const auto plain = fill_mask(model, texts, {.length = {.parse_special_tokens = false}});
  check_error(plain[0], ErrorCode::invalid_argument);
}

TEST_CASE("one bad text leaves the others their answers: answer") {
  const Model model = load("bert-qa");
  const std::vector<QuestionInput> questions = {{"Where?", "In the old city."},
                                                {"Where?", "In \xED\xA0\x80."},
                                                {"\x80?", "In the old city."},
                                                {kLong, "In the old city."},
                                                {"Where?", kLong}};
  const auto results = answer(model, questions);
  REQUIRE(results.size() == 5);
  CHECK_FALSE(results[0].value()[0].answer.empty());
  check_error(results[1], ErrorCode::invalid_utf8);
  check_error(results[2], ErrorCode::invalid_utf8);
  check_error(results[3], ErrorCode::too_long);
  CHECK(results[4].has_value());
}

TEST_CASE("the error of a ranking names its text") {
  const Model cross = load("bert-cross-encoder"), encoder = load("st-bert-mean");
  for (const Model* model : {&cross, &encoder}) {
    const auto result = rerank(*model, "water", kTexts);
    check_error(result, ErrorCode::invalid_utf8);
    CHECK(std::string(result.error().what()).find("text 1") != std::string::npos);
    CHECK(rerank(*model, "water", {}).value().texts.empty());
    check_error(rerank(*model, "\xFF", {&kTexts[0], 1}), ErrorCode::invalid_utf8);
    CHECK(rerank(*model, "water", {&kTexts[3], 1}).value().truncated);
    check_error(rerank(*model, "water", {&kTexts[3], 1}, {.length = kRefuse}), ErrorCode::too_long);
  }
}

TEST_CASE("a model without the head says what the task needs and what it is") {
  const Model encoder = load("bert-base-sharded"), classifier = load("distilbert-sentiment-f16");
  const std::string_view text = "a [MASK]";
  const TextInput input{text};
  const QuestionInput question{text, text};
  const std::vector<std::pair<std::string, Error>> errors = {
      {"sequence_classification", error_of([&] {
         classify(encoder, {&input, 1});
       })},
      {"token_classification", error_of([&] {
         ner(encoder, {&text, 1});
       })},
      {"masked_lm", error_of([&] {
         fill_mask(encoder, {&text, 1});
       })},
      {"question_answering", error_of([&] {
         answer(encoder, {&question, 1});
       })},
  };
  for (const auto& [head, error] : errors) {
    INFO(error.what());
    CHECK(error.code() == ErrorCode::unsupported);
    CHECK(std::string(error.what()).find(head) != std::string::npos);
    CHECK(std::string(error.what()).find("(bert) is an encoder without a head") !=
          std::string::npos);
  }
  const Error rank = error_of([&] { rerank(classifier, text, {&text, 1}); });
  CHECK(rank.code() == ErrorCode::unsupported);
  CHECK(std::string(rank.what()).find("3 labels") != std::string::npos);
  CHECK(error_of([&] { ner(classifier, {}); }).code() == ErrorCode::unsupported);  // at once
}

TEST_CASE("task options out of range are refused") {
  const Model classifier = load("distilbert-sentiment-f16"), mlm = load("bert-mlm-bin"),
              tagger = load("distilbert-ner-cased"), reader = load("bert-qa");
  const std::string_view text = "a [MASK]";
  const TextInput input{text};
  const QuestionInput question{"Who?", "Kim."};
  const auto answer_with = [&](AnswerOptions options) {
    return error_of([&] { answer(reader, {&question, 1}, options); }).code();
  };
  CHECK(error_of([&] {
          classify(classifier, {&input, 1}, {.top_k = -1});
        }).code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] {
          fill_mask(mlm, {&text, 1}, {.top_k = 0});
        }).code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] {
          ner(tagger, {&text, 1}, {.stride = -1});
        }).code() == ErrorCode::invalid_argument);
  CHECK(answer_with({.top_k = 0}) == ErrorCode::invalid_argument);
  CHECK(answer_with({.max_answer_length = 0}) == ErrorCode::invalid_argument);
  CHECK(answer_with({.max_seq_length = 100000}) == ErrorCode::invalid_argument);
  CHECK(answer_with({.max_seq_length = 0}) == ErrorCode::invalid_argument);
  CHECK(answer_with({.stride = -1}) == ErrorCode::invalid_argument);
  CHECK(answer_with({.max_seq_length = 20, .stride = 20}) == ErrorCode::invalid_argument);
  const LengthOptions over = {.max_length = 1 << 20};  // the model's positions
  CHECK(error_of([&] {
          classify(classifier, {&input, 1}, {.length = over});
        }).code() == ErrorCode::invalid_argument);
  CHECK(error_of([&] { ner(tagger, kTexts, {.length = over}); }).code() ==
        ErrorCode::invalid_argument);
}

TEST_CASE("a model loaded without its tokenizer answers no text") {
  const Model model = Model::load(golden_dir() / "distilbert-sentiment-f16", {.tokenizer = false});
  const TextInput input{"text"};
  CHECK(error_of([&] { classify(model, {&input, 1}); }).code() == ErrorCode::not_found);
}

}  // namespace
}  // namespace sapwood::test
