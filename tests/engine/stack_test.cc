// The library on threads with a small stack, as callers from Go, Java or with musl have them. A frame
// that is too large for it ends the test program.
#include <pthread.h>

#include <exception>
#include <functional>
#include <stdexcept>

#include "catch.h"
#include "golden.h"
#include "sanitizer.h"
#include "sapwood/session.h"
#include "sapwood/tasks.h"

namespace sapwood::test {
namespace {

constexpr std::size_t kSmallStack = 64 << 10;

struct Call {
  std::function<void()> function;
  std::exception_ptr error;
};

void* run_call(void* argument) {
  Call& call = *static_cast<Call*>(argument);
  try {
    call.function();
  } catch (...) {
    call.error = std::current_exception();
  }
  return nullptr;
}

void on_small_stack(std::function<void()> function) {
  Call call{std::move(function), nullptr};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kSmallStack);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, run_call, &call);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::runtime_error("pthread_create failed");
  pthread_join(thread, nullptr);
  if (call.error) std::rethrow_exception(call.error);
}

const char* const kCheckpoints[] = {"distilbert-base",    "distilbert-fff-base", "bert-fff-mlm",
                                    "bert-cross-encoder", "bert-base-gelu-new",  "bert-qa"};

TEST_CASE("whole models of every kind run on a small stack", "[stack]") {
  if (sanitized("models on a stack of 64 KB, because instrumented frames are larger")) return;
  for (const Isa isa : runnable_isas()) {
    for (const WeightType dtype : {WeightType::f32, WeightType::bf16, WeightType::int8}) {
      for (const char* name : kCheckpoints) {
        INFO("checkpoint: " << name << ", " << to_string(dtype)
                            << ", instruction set: " << to_string(isa));
        const fs::path folder = golden_dir() / name;
        const Model model = Model::load(folder, {.isa = isa, .dtype = dtype});
        const Output output = model.config().head == HeadKind::none ? Output::hidden : Output::head;
        const RandomTexts texts(model, 12, 1);
        std::vector<std::vector<float>> rows;
        on_small_stack([&] { rows = run(model, texts.sequences, output); });
        CHECK(rows == run(model, texts.sequences, output));
      }
    }
  }
}

// Shapes of real models: products are cut into blocks that small ones do not have.
TEST_CASE("shipped models answer texts on a small stack", "[stack]") {
  if (sanitized("models on a stack of 64 KB, because instrumented frames are larger")) return;
  const std::string sentence = "it 's a charming and often affecting journey .";
  std::string text;
  for (int i = 0; i < 20; ++i) text += sentence + " ";
  const std::vector<TextInput> inputs(8, TextInput{text});
  std::vector<fs::path> models = {find_model("minilm-fff-sst2")};
  const fs::path dense = shared_dir() / "models/distilbert-sst2-3l";
  if (fs::exists(dense)) {
    models.push_back(dense);
  } else {
    skipped(dense.string());
  }
  for (const Isa isa : runnable_isas()) {
    for (const fs::path& path : models) {
      INFO("model: " << path << ", instruction set: " << to_string(isa));
      const Model model = Model::load(path, {.isa = isa, .dtype = WeightType::int8});
      std::vector<Result<Classification>> answers;
      on_small_stack([&] { answers = classify(model, inputs); });
      CHECK(answers.back().value().labels[0].label == "POSITIVE");
    }
  }
}

TEST_CASE("a model is loaded and a session made on a small stack", "[stack]") {
  if (sanitized("models on a stack of 64 KB, because instrumented frames are larger")) return;
  for (const fs::path& folder : subdirectories(golden_dir())) {
    INFO("checkpoint: " << folder.filename());
    std::size_t tokens = 0;
    on_small_stack([&] {
      const Model model = Model::load(folder, {.dtype = WeightType::int8});
      Session session(model);
      const RandomTexts texts(model, 3, 1);
      for (const Sequence& sequence : texts.sequences) session.add(sequence);
      if (session.run(Output::hidden) == RunStatus::ok) tokens = session.hidden(0).rows;
    });
    CHECK(tokens > 0);
  }
}

}  // namespace
}  // namespace sapwood::test
