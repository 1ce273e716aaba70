#include "capacity_load.h"

#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "sapwood/tasks.h"

namespace sapwood::cli {
namespace {

constexpr std::size_t kTexts = 256;  // different ones of a length
constexpr std::size_t kWords = 512;

// Words of the vocabulary that are one token each, wherever they stand.
std::vector<std::string> one_token_words(const Tokenizer& tokenizer) {
  std::mt19937 random(7);
  std::uniform_int_distribution<std::int32_t> any(0, tokenizer.vocab_size() - 1);
  EncodeOptions plain;
  plain.add_special_tokens = plain.parse_special_tokens = false;
  std::vector<std::string> words;
  for (int tried = 0; words.size() < kWords && tried < 50'000; ++tried) {
    const std::int32_t id = any(random);
    const std::string word(tokenizer.token(id));
    if (word.empty() || tokenizer.is_special(id)) continue;
    if (tokenizer.encode(word, plain).ids == std::vector<std::int32_t>{id}) words.push_back(word);
  }
  return words;
}

std::string random_words(const std::vector<std::string>& words, int count, std::mt19937& random) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += (i == 0 ? "" : " ") + words[random() % words.size()];
  }
  return text;
}

// What the inputs of jobs view.
struct Texts {
  std::vector<std::string> texts;
  std::string question;
};
using TextsPtr = std::shared_ptr<const Texts>;

// Keeps the texts that its inputs view.
template <class Input, class Value>
MakeJob make_jobs(std::shared_ptr<const sapwood::Task<Input, Value>> task, TextsPtr texts,
                  std::vector<Input> inputs) {
  return [task, texts, inputs = std::move(inputs)](std::size_t i) {
    thread_local EncodeScratch scratch;
    std::shared_ptr<Job<Value>> job = task->job(inputs[i % inputs.size()], scratch).value();
    return LoadJob{job, [job] { job->finish(); }};
  };
}

template <class Input>
std::vector<Input> inputs_of(const Texts& texts) {
  std::vector<Input> inputs;
  for (const std::string& text : texts.texts) inputs.push_back(Input{text});
  return inputs;
}

// The head that the task of a model reads: as `sapwood serve` has it, a sentence-transformers model embeds whatever it was made from.
HeadKind task_of(const ModelConfig& config) {
  return config.head == HeadKind::masked_lm && config.sentence && !config.sentence->sparse
             ? HeadKind::none
             : config.head;
}

// Tokens of a text that are no words of its own: [CLS], [SEP], a mask, a question of one word.
int fixed_tokens(const Model& model) {
  const int special = model.tokenizer().num_special_tokens(false);
  switch (task_of(model.config())) {
    case HeadKind::masked_lm:
      return special + 1;
    case HeadKind::question_answering:
      return model.tokenizer().num_special_tokens(true) + 1;
    default:
      return special;
  }
}

MakeJob task_jobs(const Model& model, const TextsPtr& texts) {
  switch (task_of(model.config())) {
    case HeadKind::sequence_classification:
      return make_jobs(classify_task(model), texts, inputs_of<TextInput>(*texts));
    case HeadKind::token_classification:
      return make_jobs(ner_task(model), texts, inputs_of<std::string_view>(*texts));
    case HeadKind::masked_lm:
      return make_jobs(fill_mask_task(model), texts, inputs_of<std::string_view>(*texts));
    case HeadKind::question_answering: {
      AnswerOptions options;
      options.max_seq_length = model.max_length();  // one window
      std::vector<QuestionInput> inputs;
      for (const std::string& text : texts->texts) inputs.push_back({texts->question, text});
      return make_jobs(answer_task(model, options), texts, std::move(inputs));
    }
    case HeadKind::replaced_token_detection:
    case HeadKind::none:
      break;
  }
  return make_jobs(embed_task(model), texts, inputs_of<TextInput>(*texts));
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// A closed loop: every answer is followed by a new text, made on the thread that gave the answer, as a service reads its requests
// on the same processors.
class Load {
 public:
  Load(Scheduler& scheduler, const MakeJob& make) : scheduler_(scheduler), make_(make) {}
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  void start(std::size_t at_once) {
    for (std::size_t i = 0; i < at_once; ++i) submit();
  }
  void stop() {
    stopping_ = true;
    scheduler_.drain();
  }
  void throw_if_failed() {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }
  std::size_t finished() const { return finished_; }

 private:
  void submit() noexcept {
    try {
      const LoadJob next = make_(next_++);
      const auto submitted = scheduler_.submit(
          {{next.job}, {}, [this, next](const Completion& end) { done(next, end); }});
      if (!submitted.admission.accepted) throw Scheduler::refusal(submitted.admission);
    } catch (...) {
      fail();
    }
  }
  void done(const LoadJob& job, const Completion& end) noexcept {
    try {
      Scheduler::throw_unless_done(end);
      job.finish();
      ++finished_;
    } catch (...) {
      return fail();
    }
    if (!stopping_) submit();
  }
  void fail() noexcept {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
    stopping_ = true;
  }

  Scheduler& scheduler_;
  const MakeJob& make_;
  std::atomic<std::size_t> next_ = 0, finished_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

MakeJob job_maker(const Model& model, int tokens) {
  const int words = tokens - fixed_tokens(model);
  if (words < 1 || tokens > model.max_length()) {
    throw Error(ErrorCode::invalid_argument,
                "texts of this model have " + std::to_string(fixed_tokens(model) + 1) + " to " +
                    std::to_string(model.max_length()) + " tokens, not " + std::to_string(tokens));
  }
  const Tokenizer& tokenizer = model.tokenizer();
  const auto vocabulary = one_token_words(tokenizer);
  if (vocabulary.empty()) {
    throw Error(ErrorCode::unsupported,
                "the tokenizer has no words of one token: texts cannot be made for it");
  }
  std::mt19937 random(7);
  auto texts = std::make_shared<Texts>();
  texts->question = vocabulary.front();
  for (std::size_t i = 0; i < kTexts; ++i) {
    std::string text = random_words(vocabulary, words, random);
    if (task_of(model.config()) == HeadKind::masked_lm) {
      text.append(" ").append(tokenizer.token(tokenizer.mask_id().value()));
    }
    texts->texts.push_back(std::move(text));
  }
  return task_jobs(model, texts);
}

LoadResult run_load(Scheduler& scheduler, const MakeJob& make, int tokens, double seconds) {
  const auto workers = static_cast<std::size_t>(scheduler.statistics().workers);
  // Twice what the workers can have at once: runs hold several short texts.
  const auto in_a_run =
      static_cast<std::size_t>(std::max(1, SchedulerOptions{}.batch_tokens / tokens));
  Load load(scheduler, make);
  load.start(2 * workers * in_a_run);
  const auto now = std::chrono::steady_clock::now;
  const auto wait = [&](double time, std::size_t texts) {
    const auto end = now() + std::chrono::duration<double>(time);
    const std::size_t before = load.finished();
    while (now() < end || load.finished() - before < texts) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      load.throw_if_failed();
    }
  };
  wait(seconds / 4, workers);
  LoadResult result{load.finished(), processor_seconds()};
  wait(seconds, 16 * workers * in_a_run);
  result.texts = load.finished() - result.texts;
  result.processor_s = processor_seconds() - result.processor_s;
  load.stop();
  load.throw_if_failed();
  return result;
}

void reset_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::int64_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return 1024 * std::strtoll(line.c_str() + 6, nullptr, 10);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return 1024 * static_cast<std::int64_t>(usage.ru_maxrss);
}

}  // namespace sapwood::cli
