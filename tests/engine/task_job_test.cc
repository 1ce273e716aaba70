// Tasks as objects: the same bits as the functions, whoever runs the windows, in whatever order and company.
#include "task_job_answers.h"

namespace sapwood::test {
namespace {

TEST_CASE("a job gives the bits of its task's function: classify, embed, fill-mask", "[task job]") {
  const Model& sentiment = model_of(kClassifier);
  const auto encode = [&](const TextInput& input) {
    return input.pair ? sentiment.encode(input.text, *input.pair) : sentiment.encode(input.text);
  };
  const ClassifyOptions all = {.top_k = 0};
  check_jobs(sentiment, *classify_task(sentiment, all), text_inputs(),
             classify(sentiment, text_inputs(), all), encode);
  for (const PoolingMode pooling : {PoolingMode::mean, PoolingMode::none}) {
    const EmbedOptions options = {.pooling = pooling, .normalize = true};
    check_jobs(sentiment, *embed_task(sentiment, options), text_inputs(),
               embed(sentiment, text_inputs(), options), encode);
  }
  const Model& masked = model_of(kMasked);
  const std::vector<std::string_view> texts = {"a [MASK] film [MASK] .", "no mask", "[MASK]"};
  check_jobs(masked, *fill_mask_task(masked), texts, fill_mask(masked, texts),
             [&](std::string_view text) { return masked.encode(text); });
}

TEST_CASE("a job gives the bits of its task's function: windows of ner and answer", "[task job]") {
  const Model& tagger = model_of(kTagger);
  for (const Aggregation aggregation : {Aggregation::none, Aggregation::first}) {
    const NerOptions options = {
        .aggregation = aggregation, .ignore_labels = {}, .stride = 3, .length = {.max_length = 12}};
    check_jobs(
        tagger, *ner_task(tagger, options), views(), ner(tagger, views(), options),
        [&](std::string_view text) {
          return tagger.tokenizer().encode(text, {.max_length = 12, .stride = 3});
        },
        2);
  }
  const Model& reader = model_of(kReader);
  const AnswerOptions options = {.top_k = 4, .max_seq_length = 24, .stride = 5};
  check_jobs(
      reader, *answer_task(reader, options), questions(), answer(reader, questions(), options),
      [&](const QuestionInput& input) {
        return reader.tokenizer().encode(
            input.question, input.context,
            {.max_length = 24, .truncation = Truncation::only_second, .stride = 5});
      },
      2);
}

TEST_CASE("a ranking is a job of one window for each of its texts", "[task job]") {
  const Model& model = model_of("st-bert-mean");
  const std::vector<std::string_view> texts = {"a film", "water", "Berlin"};
  const auto task = rerank_task(model);
  EncodeScratch scratch;
  const RerankInput input{"charming", texts};
  const auto expected = text_of(rerank(model, input.query, texts));
  auto job = task->job(input, scratch);
  REQUIRE(job.has_value());
  CHECK(job.value()->windows().size() == 4);
  CHECK(text_of(answer_backwards(model, *job.value())) == expected);
  std::vector<Encoding> windows = {model.encode("charming"), model.encode("a film"),
                                   model.encode("water"), model.encode("Berlin")};
  job = task->job(input, windows);
  REQUIRE(job.has_value());
  CHECK(text_of(answer_backwards(model, *job.value())) == expected);
  windows.pop_back();
  CHECK(task->job(input, windows).error().code() == ErrorCode::invalid_argument);
  CHECK(text_of(rerank(model, "charming", {})).empty());
}

TEST_CASE("jobs of several tasks and options share one run", "[task job]") {
  const Model& model = model_of(kClassifier);
  const auto best = classify_task(model), all = classify_task(model, {.top_k = 0});
  const auto vectors = embed_task(model);
  EncodeScratch scratch;
  const TextInput first{"a charming film"}, second{"dull"}, third{"water and Berlin"};
  const auto a = best->job(first, scratch).value(), b = all->job(second, scratch).value();
  const auto c = vectors->job(third, scratch).value();
  Session session(model);
  for (TaskJob* job : {static_cast<TaskJob*>(a.get()), static_cast<TaskJob*>(c.get()),
                       static_cast<TaskJob*>(b.get())}) {
    session.add(job->windows()[0]);
  }
  session.run(Output::head);
  CHECK(a->take(0, session.rows(a->output(), 0)));
  CHECK(c->take(0, session.rows(c->output(), 1)));
  CHECK(b->take(0, session.rows(b->output(), 2)));
  CHECK(text_of(a->finish()) == text_of(classify(model, {&first, 1})[0]));
  CHECK(text_of(b->finish()) == text_of(classify(model, {&second, 1}, {.top_k = 0})[0]));
  CHECK(text_of(c->finish()) == text_of(embed(model, {&third, 1})[0]));
}

TEST_CASE("on several threads every task gives its answers in order, with the same bits",
          "[task job][threads]") {
  const auto both = [](const char* name, const auto& answer_all) {
    // With so few tokens a thread's own run holds little, and there are many of them.
    for (const int batch_tokens : {4096, 64}) {
      INFO(name << ", " << batch_tokens);
      CHECK(texts_of(answer_all(model_of(name, 3, batch_tokens))) ==
            texts_of(answer_all(model_of(name))));
    }
  };
  both(kClassifier, [](const Model& m) { return classify(m, text_inputs(), {.top_k = 0}); });
  both(kClassifier, [](const Model& m) { return embed(m, text_inputs()); });
  both(kTagger, [](const Model& m) {
    return ner(m, views(), {.ignore_labels = {}, .stride = 2, .length = {.max_length = 10}});
  });
  both(kReader, [](const Model& m) {
    return answer(m, questions(), {.top_k = 3, .max_seq_length = 24, .stride = 4});
  });
  both("st-bert-mean", [](const Model& m) {
    std::vector<std::string_view> good;
    for (const std::string_view text : views()) {
      if (!text.starts_with("broken")) good.push_back(text);
    }
    return std::vector{rerank(m, "Berlin", good), rerank(m, "Berlin", views())};
  });
  both(kMasked, [](const Model& m) {
    std::vector<std::string> masked = sentences();
    for (std::string& text : masked) text = "[MASK] " + text;
    return fill_mask(m, std::vector<std::string_view>(masked.begin(), masked.end()));
  });
}

TEST_CASE("windows of one job are taken from several threads at once", "[task job][threads]") {
  const Model& model = model_of(kTagger);
  std::string text;
  for (int i = 0; i < 200; ++i) text += i % 3 == 0 ? "Anna " : "in Berlin ";
  const std::string_view view = text;
  const NerOptions options = {.ignore_labels = {}, .stride = 2, .length = {.max_length = 10}};
  EncodeScratch scratch;
  const auto job = ner_task(model, options)->job(view, scratch).value();
  REQUIRE(job->windows().size() > 20);
  std::atomic<std::size_t> next{0};
  std::atomic<int> last{0};
  const auto work = [&] {
    Session session(model);
    for (std::size_t i; (i = next++) < job->windows().size();) {
      session.clear();
      session.add(job->windows()[i]);
      session.run(job->output());
      if (job->take(i, session.rows(job->output(), 0))) ++last;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  CHECK(last == 1);
  CHECK(text_of(job->finish()) == text_of(ner(model, {&view, 1}, options)[0]));
}

}  // namespace
}  // namespace sapwood::test
