// The C API gives what the C++ API gives, and says what is wrong.
#include "sapwood/capi.h"

#include <atomic>
#include <cstring>
#include <fstream>
#include <future>
#include <iterator>
#include <thread>
#include <vector>

#include "c11.h"
#include "catch.h"
#include "sapwood/sapwood.h"
#include "sapwood/utf8.h"

namespace {

using namespace sapwood;

std::string golden(const char* name) {
  return std::string(SAPWOOD_SOURCE_DIR) + "/tests/golden/data/" + name;
}

sapwood_text text_of(std::string_view text) { return {text.data(), text.size()}; }

struct ModelHandle {
  sapwood_model* handle = nullptr;
  explicit ModelHandle(const std::string& path) {
    sapwood_error error;
    const sapwood_status status = sapwood_model_load(path.c_str(), nullptr, &handle, &error);
    INFO(error.message);
    REQUIRE(status == SAPWOOD_OK);
    CHECK(error.status == SAPWOOD_OK);
    CHECK(std::string(error.message).empty());
  }
  ~ModelHandle() { sapwood_model_free(handle); }
};

struct JobHandle {
  sapwood_job* handle = nullptr;
  ~JobHandle() { sapwood_job_free(handle); }
};

sapwood_item item_of(const sapwood_job* job, std::size_t i) {
  sapwood_item item{};
  REQUIRE(sapwood_job_item(job, i, &item, sizeof item, nullptr) == SAPWOOD_OK);
  return item;
}

const char* const kSentence = "it 's a charming and often affecting journey .";

TEST_CASE("a C program classifies a text through a scheduler") {
  char label[32] = "";
  const double score = classify_in_c("minilm-fff-sst2", kSentence, label);
  const Model model = Model::load(find_model("minilm-fff-sst2"));
  const TextInput input{kSentence};
  const LabelScore best = classify(model, {&input, 1})[0].value().labels[0];
  CHECK(label == best.label);
  CHECK(score == static_cast<double>(best.score));
  CHECK(classify_in_c("no-such-model", kSentence, label) < 0);
}

TEST_CASE("the C API embeds into the caller's memory") {
  const ModelHandle model(golden("st-bert-mean"));
  const Model same = Model::load(golden("st-bert-mean"));
  sapwood_model_info info{};
  info.size = sizeof info;
  REQUIRE(sapwood_model_describe(model.handle, &info, nullptr) == SAPWOOD_OK);
  CHECK(info.hidden == same.config().hidden);
  CHECK(info.head == SAPWOOD_HEAD_NONE);
  CHECK(info.max_length == same.max_length());
  const auto hidden = static_cast<std::size_t>(info.hidden);
  const std::vector<sapwood_text> texts = {text_of("a film"), text_of("broken \xC3\x28"),
                                           text_of("")};
  std::vector<float> vectors(3 * hidden, -7.0f);
  std::vector<sapwood_status> statuses(3);
  sapwood_error error;
  REQUIRE(sapwood_embed(model.handle, texts.data(), nullptr, 3, nullptr, vectors.data(),
                        vectors.size(), statuses.data(), &error) == SAPWOOD_OK);
  CHECK(statuses == std::vector<sapwood_status>{SAPWOOD_OK, SAPWOOD_INVALID_UTF8, SAPWOOD_OK});
  const TextInput input{"a film"};
  const std::vector<float> expected = embed(same, {&input, 1})[0].value().values;
  CHECK(std::equal(expected.begin(), expected.end(), vectors.begin()));
  CHECK(vectors[hidden] == -7.0f);
  CHECK(sapwood_embed(model.handle, texts.data(), nullptr, 3, nullptr, vectors.data(),
                      vectors.size(), nullptr, &error) == SAPWOOD_INVALID_UTF8);
  CHECK(std::string(error.message).starts_with("text 1: "));
  CHECK(sapwood_embed(model.handle, texts.data(), nullptr, 3, nullptr, vectors.data(),
                      vectors.size() - 1, nullptr, &error) == SAPWOOD_INVALID_ARGUMENT);
  sapwood_task_options options;
  sapwood_task_options_init(&options, sizeof options);
  options.pooling = "cls";
  options.normalize = 1;
  REQUIRE(sapwood_embed(model.handle, texts.data(), nullptr, 1, &options, vectors.data(), hidden,
                        nullptr, &error) == SAPWOOD_OK);
  CHECK(embed(same, {&input, 1}, {.pooling = PoolingMode::cls, .normalize = true})[0]
            .value()
            .values == std::vector<float>(vectors.begin(), vectors.begin() + info.hidden));
  options.pooling = "median";
  CHECK(sapwood_embed(model.handle, texts.data(), nullptr, 1, &options, vectors.data(), hidden,
                      nullptr, &error) == SAPWOOD_INVALID_ARGUMENT);
  CHECK(std::string(error.message).find("mean") != std::string::npos);
}

TEST_CASE("the C API classifies and reranks") {
  const std::string path = golden("distilbert-sentiment-f16");
  const ModelHandle model(path);
  const Model same = Model::load(path);
  const std::vector<sapwood_text> texts = {text_of("a charming film"), text_of("dull")};
  std::vector<sapwood_label_score> scores(4);
  sapwood_error error;
  REQUIRE(sapwood_classify(model.handle, texts.data(), nullptr, 2, nullptr, scores.data(), 2,
                           nullptr, &error) == SAPWOOD_OK);
  const std::vector<TextInput> inputs = {{"a charming film"}, {"dull"}};
  const auto expected = classify(same, inputs, {.top_k = 2});
  for (std::size_t i = 0; i < 4; ++i) {
    const LabelScore& label = expected[i / 2].value().labels[i % 2];
    CHECK(scores[i].score == label.score);
    CHECK(sapwood_model_label(model.handle, scores[i].label) == label.label);
  }
  CHECK(sapwood_classify(model.handle, texts.data(), nullptr, 2, nullptr, scores.data(), 9, nullptr,
                         &error) == SAPWOOD_INVALID_ARGUMENT);
  CHECK(sapwood_model_label(model.handle, -1) == nullptr);
  CHECK(sapwood_model_label(model.handle, 99) == nullptr);
  CHECK(sapwood_rerank(model.handle, texts[0], texts.data(), 2, nullptr, nullptr, &error) ==
        SAPWOOD_INVALID_ARGUMENT);

  const ModelHandle cross(golden("bert-cross-encoder"));
  std::vector<sapwood_ranked_text> ranked(2);
  REQUIRE(sapwood_rerank(cross.handle, text_of("a film"), texts.data(), 2, nullptr, ranked.data(),
                         &error) == SAPWOOD_OK);
  const std::vector<std::string_view> views = {"a charming film", "dull"};
  const Ranking ranking =
      rerank(Model::load(golden("bert-cross-encoder")), "a film", views).value();
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(ranked[i].index == static_cast<std::size_t>(ranking.texts[i].index));
    CHECK(ranked[i].score == ranking.texts[i].score);
  }
}

TEST_CASE("the C API's jobs: entities, fills, answers, vectors") {
  sapwood_error error;
  sapwood_task_options options;
  sapwood_task_options_init(&options, sizeof options);
  const std::string text = "Anna Keller moved to Berlin";
  const std::string_view view = text;

  const ModelHandle tagger(golden("distilbert-ner-cased"));
  options.aggregation = "simple";
  JobHandle names;
  REQUIRE(sapwood_ner_job(tagger.handle, text_of(text), &options, &names.handle, &error) ==
          SAPWOOD_OK);
  CHECK(sapwood_job_tokens(names.handle) > 2);
  CHECK(sapwood_job_count(names.handle) == 0);
  REQUIRE(sapwood_job_run(names.handle, &error) == SAPWOOD_OK);
  const auto entities = ner(Model::load(golden("distilbert-ner-cased")), {&view, 1},
                            {.aggregation = Aggregation::simple})[0]
                            .value()
                            .entities;
  REQUIRE(sapwood_job_count(names.handle) == entities.size());
  for (std::size_t i = 0; i < entities.size(); ++i) {
    const sapwood_item item = item_of(names.handle, i);
    CHECK(std::string(item.name.data, item.name.size) == entities[i].entity);
    CHECK(std::string(item.text.data, item.text.size) == entities[i].word);
    CHECK(item.score == entities[i].score);
    CHECK(item.start == static_cast<std::size_t>(entities[i].start));
    CHECK(item.label == entities[i].label_id);
  }
  CHECK(sapwood_job_run(names.handle, &error) == SAPWOOD_INVALID_ARGUMENT);
  sapwood_item beyond{};
  CHECK(sapwood_job_item(names.handle, entities.size(), &beyond, sizeof beyond, &error) ==
        SAPWOOD_INVALID_ARGUMENT);

  const ModelHandle nli(golden("bert-nli"));
  const sapwood_text labels[] = {text_of("a tree"), text_of("a film")};
  sapwood_zero_shot_options ask;
  sapwood_zero_shot_options_init(&ask, sizeof ask);
  ask.labels = labels;
  ask.count = 2;
  ask.hypothesis_template = "{}?";
  ask.multi_label = 1;
  JobHandle chosen;
  REQUIRE(sapwood_zero_shot_job(nli.handle, text_of(text), &ask, nullptr, &chosen.handle, &error) ==
          SAPWOOD_OK);
  REQUIRE(sapwood_job_run(chosen.handle, &error) == SAPWOOD_OK);
  const std::string_view view_of_text = text;
  const auto best =
      zero_shot(
          Model::load(golden("bert-nli")), {&view_of_text, 1},
          {.labels = {"a tree", "a film"}, .hypothesis_template = "{}?", .multi_label = true})[0]
          .value()
          .labels;
  REQUIRE(sapwood_job_count(chosen.handle) == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const sapwood_item item = item_of(chosen.handle, i);
    CHECK(std::string(item.name.data, item.name.size) == best[i].label);
    CHECK(item.label == best[i].id);
    CHECK(item.score == best[i].score);
  }
  JobHandle unasked;
  CHECK(sapwood_zero_shot_job(nli.handle, text_of(text), nullptr, nullptr, &unasked.handle,
                              &error) == SAPWOOD_INVALID_ARGUMENT);
  ask.count = 0;
  CHECK(sapwood_zero_shot_job(nli.handle, text_of(text), &ask, nullptr, &unasked.handle, &error) ==
        SAPWOOD_INVALID_ARGUMENT);

  const ModelHandle masked(golden("bert-mlm-bin"));
  JobHandle fills;
  REQUIRE(sapwood_fill_mask_job(masked.handle, text_of("a [MASK] [MASK]"), nullptr, &fills.handle,
                                &error) == SAPWOOD_OK);
  REQUIRE(sapwood_job_run(fills.handle, &error) == SAPWOOD_OK);
  CHECK(sapwood_job_count(fills.handle) == 10);
  CHECK(item_of(fills.handle, 0).mask == 0);
  CHECK(item_of(fills.handle, 9).mask == 1);
  JobHandle no_mask;
  CHECK(sapwood_fill_mask_job(masked.handle, text_of("a"), nullptr, &no_mask.handle, &error) ==
        SAPWOOD_INVALID_ARGUMENT);

  const ModelHandle reader(golden("bert-qa"));
  JobHandle answer;
  {
    // The job keeps the texts.
    const std::string question = "Who moved?", context = text;
    REQUIRE(sapwood_answer_job(reader.handle, text_of(question), text_of(context), nullptr,
                               &answer.handle, &error) == SAPWOOD_OK);
  }
  REQUIRE(sapwood_job_run(answer.handle, &error) == SAPWOOD_OK);
  REQUIRE(sapwood_job_count(answer.handle) == 1);
  CHECK(text.find(item_of(answer.handle, 0).text.data) != std::string::npos);

  const ModelHandle encoder(golden("st-bert-mean"));
  JobHandle vector;
  REQUIRE(sapwood_embed_job(encoder.handle, text_of(text), nullptr, nullptr, &vector.handle,
                            &error) == SAPWOOD_OK);
  REQUIRE(sapwood_job_run(vector.handle, &error) == SAPWOOD_OK);
  std::vector<float> numbers(sapwood_job_count(vector.handle));
  REQUIRE(sapwood_job_vector(vector.handle, numbers.data(), numbers.size(), &error) == SAPWOOD_OK);
  const TextInput input{text};
  CHECK(numbers == embed(Model::load(golden("st-bert-mean")), {&input, 1})[0].value().values);
  CHECK(sapwood_job_vector(vector.handle, numbers.data(), 1, &error) == SAPWOOD_INVALID_ARGUMENT);
}

TEST_CASE("the C API's options for what sentence-transformers' files say", "[capi]") {
  const std::string directory = golden("../sentence/dense-chain");
  const ModelHandle model(directory);
  const Model same = Model::load(directory);
  sapwood_model_info info{.size = sizeof info};
  REQUIRE(sapwood_model_describe(model.handle, &info, nullptr) == SAPWOOD_OK);
  CHECK(info.hidden == 16);
  CHECK(info.embedding == 12);
  const std::string text = "a tree";
  const sapwood_text c_text = text_of(text);
  const TextInput input{text};
  sapwood_task_options options;
  sapwood_task_options_init(&options, sizeof options);
  sapwood_error error;
  options.dimensions = 5;
  options.prompt = "search: ";
  std::vector<float> vector(5);
  REQUIRE(sapwood_embed(model.handle, &c_text, nullptr, 1, &options, vector.data(), 5, nullptr,
                        &error) == SAPWOOD_OK);
  CHECK(vector ==
        embed(same, {&input, 1}, {.prompt = "search: ", .dimensions = 5})[0].value().values);
  options.prompt_name = "query";
  CHECK(sapwood_embed(model.handle, &c_text, nullptr, 1, &options, vector.data(), 5, nullptr,
                      &error) == SAPWOOD_INVALID_ARGUMENT);

  const ModelHandle cross(golden("../sentence/cross-encoder-older-key"));
  const auto score = [&](const char* scores) {
    sapwood_task_options_init(&options, sizeof options);
    options.scores = scores;
    sapwood_ranked_text ranked{};
    CHECK(sapwood_rerank(cross.handle, c_text, &c_text, 1, &options, &ranked, &error) ==
          SAPWOOD_OK);
    return ranked.score;
  };
  CHECK(score(nullptr) == score("raw"));
  CHECK(score("sigmoid") > 0);
  CHECK(score("sigmoid") < 1);
  CHECK(score("raw") != score("sigmoid"));

  const ModelHandle router(golden("../sentence/sparse-router"));
  REQUIRE(sapwood_model_describe(router.handle, &info, nullptr) == SAPWOOD_OK);
  CHECK(info.embedding == 0);
  const Model sparse = Model::load(golden("../sentence/sparse-router"));
  for (const Route route : {Route::query, Route::document}) {
    sapwood_task_options_init(&options, sizeof options);
    options.route = to_string(route).data();
    JobHandle job;
    REQUIRE(sapwood_sparse_embed_job(router.handle, c_text, &options, &job.handle, &error) ==
            SAPWOOD_OK);
    REQUIRE(sapwood_job_run(job.handle, &error) == SAPWOOD_OK);
    const auto wanted = sparse_embed(sparse, {&input, 1}, {.route = route})[0].value().values;
    REQUIRE(sapwood_job_count(job.handle) == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(item_of(job.handle, i).token == wanted[i].index);
      CHECK(item_of(job.handle, i).score == wanted[i].value);
    }
  }
}

TEST_CASE("the C API's scheduler: callbacks, refusals, cancelling", "[threads]") {
  const ModelHandle model(golden("distilbert-sentiment-f16"));
  sapwood_scheduler_options options;
  sapwood_scheduler_options_init(&options, sizeof options);
  CHECK(options.max_wait_ms == 1000);
  sapwood_threads* team = nullptr;
  REQUIRE(sapwood_threads_new(2, &team, nullptr) == SAPWOOD_OK);
  options.team = team;
  sapwood_scheduler* scheduler = nullptr;
  REQUIRE(sapwood_scheduler_new(&options, &scheduler, nullptr) == SAPWOOD_OK);
  struct Seen {
    std::atomic<int> ok{0}, other{0};
  } seen;
  const auto done = [](void* user, sapwood_job* job, sapwood_status status) {
    auto& all = *static_cast<Seen*>(user);
    ++(status == SAPWOOD_OK && sapwood_job_count(job) == 3 ? all.ok : all.other);
  };
  // One job is cancelled while the workers are kept busy by callbacks that wait.
  struct Gates {
    std::promise<void> leave;
    std::shared_future<void> left{leave.get_future().share()};
    std::atomic<int> entered{0};
  } gates;
  const auto wait = [](void* user, sapwood_job*, sapwood_status) {
    auto& all = *static_cast<Gates*>(user);
    const std::shared_future<void> left = all.left;
    ++all.entered;
    left.wait();
  };
  std::vector<JobHandle> busy(2);
  for (int i = 0; i < 2; ++i) {
    JobHandle& job = busy[static_cast<std::size_t>(i)];
    REQUIRE(sapwood_classify_job(model.handle, text_of("busy"), nullptr, nullptr, &job.handle,
                                 nullptr) == SAPWOOD_OK);
    REQUIRE(sapwood_scheduler_submit(scheduler, job.handle, 0, wait, &gates, nullptr, nullptr) ==
            SAPWOOD_OK);
    while (gates.entered <= i) std::this_thread::yield();
  }
  sapwood_job* freed = nullptr;
  REQUIRE(sapwood_classify_job(model.handle, text_of("cancelled"), nullptr, nullptr, &freed,
                               nullptr) == SAPWOOD_OK);
  sapwood_status freed_status = SAPWOOD_OK;
  const auto free_it = [](void* user, sapwood_job* job, sapwood_status ended) {
    *static_cast<sapwood_status*>(user) = ended;
    sapwood_job_free(job);
  };
  sapwood_ticket to_cancel = 0;
  REQUIRE(sapwood_scheduler_submit(scheduler, freed, 0, free_it, &freed_status, &to_cancel,
                                   nullptr) == SAPWOOD_OK);
  CHECK(sapwood_scheduler_submit(scheduler, freed, 0, free_it, &freed_status, nullptr, nullptr) ==
        SAPWOOD_INVALID_ARGUMENT);  // queued already
  sapwood_scheduler_cancel(scheduler, to_cancel);
  CHECK(freed_status == SAPWOOD_CANCELLED);
  gates.leave.set_value();
  std::vector<JobHandle> jobs(20);
  int accepted = 0;
  sapwood_task_options all;
  sapwood_task_options_init(&all, sizeof all);
  for (JobHandle& job : jobs) {
    REQUIRE(sapwood_classify_job(model.handle, text_of("a film"), nullptr, &all, &job.handle,
                                 nullptr) == SAPWOOD_OK);
    sapwood_ticket ticket = 0;
    if (sapwood_scheduler_submit(scheduler, job.handle, 0, done, &seen, &ticket, nullptr) ==
        SAPWOOD_OK) {
      ++accepted;
      CHECK(ticket != 0);
    }
  }
  CHECK(accepted == 20);
  while (seen.ok + seen.other < accepted) std::this_thread::yield();
  CHECK(seen.ok == 20);
  CHECK(sapwood_scheduler_remove(scheduler, model.handle, nullptr) == SAPWOOD_OK);

  sapwood_error error;
  JobHandle late;
  REQUIRE(sapwood_classify_job(model.handle, text_of("a film"), nullptr, &all, &late.handle,
                               nullptr) == SAPWOOD_OK);
  CHECK(sapwood_scheduler_run(scheduler, late.handle, -1, &error) == SAPWOOD_INVALID_ARGUMENT);
  const sapwood_status status = sapwood_scheduler_run(scheduler, late.handle, 1e-6, &error);
  CHECK((status == SAPWOOD_OVERLOADED || status == SAPWOOD_DEADLINE_EXCEEDED));
  CHECK(error.status == status);
  CHECK(std::strlen(error.message) > 0);
  sapwood_scheduler_cancel(scheduler, 12345678);
  sapwood_scheduler_free(scheduler);
  sapwood_threads_free(team);
}

TEST_CASE("the C API loads from memory, and tokenises") {
  std::ifstream file(std::string(SAPWOOD_SOURCE_DIR) + "/models/minilm-fff-sst2/model.safetensors",
                     std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  sapwood_model* model = nullptr;
  sapwood_error error;
  REQUIRE(sapwood_model_load_memory(bytes.data(), bytes.size(), nullptr, &model, &error) ==
          SAPWOOD_OK);
  std::size_t count = 0;
  CHECK(sapwood_encode(model, text_of(kSentence), nullptr, nullptr, nullptr, 0, &count, &error) ==
        SAPWOOD_TOO_LONG);
  std::vector<std::int32_t> ids(count);
  CHECK(sapwood_encode(model, text_of(kSentence), nullptr, nullptr, ids.data(), count, &count,
                       &error) == SAPWOOD_OK);
  CHECK(ids == Model::load(find_model("minilm-fff-sst2")).encode(kSentence).ids);
  sapwood_model_free(model);
  CHECK(sapwood_model_load_memory(bytes.data(), 100, nullptr, &model, &error) == SAPWOOD_MALFORMED);
}

TEST_CASE("what a C caller gets wrong is told") {
  sapwood_error error;
  sapwood_model* model = nullptr;
  CHECK(sapwood_model_load("no/such/model", nullptr, &model, &error) == SAPWOOD_NOT_FOUND);
  CHECK(model == nullptr);
  CHECK(std::string(error.message).find("no/such/model") != std::string::npos);
  CHECK(sapwood_model_load(nullptr, nullptr, &model, nullptr) == SAPWOOD_INVALID_ARGUMENT);
  CHECK(sapwood_model_load("x", nullptr, nullptr, &error) == SAPWOOD_INVALID_ARGUMENT);
  sapwood_load_options options;
  sapwood_load_options_init(&options, sizeof options);
  CHECK(options.threads == 1);
  options.isa = "sse2";
  CHECK(sapwood_model_load(golden("bert-qa").c_str(), &options, &model, &error) ==
        SAPWOOD_INVALID_ARGUMENT);
  CHECK(std::string(error.message).find("avx2") != std::string::npos);
  sapwood_load_options_init(&options, sizeof options);
  options.size = 4096;
  CHECK(sapwood_model_load(golden("bert-qa").c_str(), &options, &model, &error) ==
        SAPWOOD_INVALID_ARGUMENT);
  options.size = 0;
  CHECK(sapwood_model_load(golden("bert-qa").c_str(), &options, &model, &error) ==
        SAPWOOD_INVALID_ARGUMENT);
  // A caller whose struct is smaller keeps what stands behind it.
  struct {
    char bytes[16];
    std::uint64_t canary;
  } small{{}, 0x1234};
  sapwood_task_options_init(reinterpret_cast<sapwood_task_options*>(&small), sizeof small.bytes);
  CHECK(small.canary == 0x1234);
  CHECK(sapwood_model_load(golden("bert-qa").c_str(), nullptr, &model, &error) == SAPWOOD_OK);
  sapwood_model_info info{};
  CHECK(sapwood_model_describe(model, &info, &error) == SAPWOOD_INVALID_ARGUMENT);
  const sapwood_text nowhere{nullptr, 3};
  CHECK(sapwood_embed(model, &nowhere, nullptr, 1, nullptr, nullptr, 0, nullptr, &error) ==
        SAPWOOD_INVALID_ARGUMENT);
  JobHandle job;
  CHECK(sapwood_classify_job(model, text_of("x"), nullptr, nullptr, &job.handle, &error) ==
        SAPWOOD_UNSUPPORTED);
  sapwood_model_free(model);
  sapwood_model_free(nullptr);
  sapwood_job_free(nullptr);
  sapwood_scheduler_free(nullptr);
  sapwood_threads_free(nullptr);
  // A long message is cut at the end of a character.
  std::string umlauts;
  for (int i = 0; i < 1500; ++i) umlauts += "ü";
  CHECK(sapwood_model_load(umlauts.c_str(), nullptr, &model, &error) == SAPWOOD_IO);
  CHECK(std::strlen(error.message) < sizeof error.message);
  CHECK_NOTHROW(utf8::require_valid(error.message, "message"));
  CHECK(std::string(sapwood_status_name(SAPWOOD_TOO_LONG)) == "too_long");
  CHECK(std::string(sapwood_status_name(SAPWOOD_CANCELLED)) == "cancelled");
  CHECK(std::string(sapwood_status_name(static_cast<sapwood_status>(99))) == "unknown");
  CHECK(std::string(sapwood_version_string()) == version());
}

}  // namespace
