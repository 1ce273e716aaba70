// load_library: the library's own calls, beside which the same work over HTTP is put. Loads a model, then answers lines on
// standard input with one line of JSON each:
//
//   one SECONDS                 every text alone, one call after the other
//   all SECONDS                 all texts in one call, again and again
//   scheduler CLIENTS SECONDS   as many callers of a Scheduler as that, each with one text at a time
//
// "p50_ms" is the median call (of `scheduler`: from submit() to the answer), "processor_s" the processor seconds of the whole
// process for each text.
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "sapwood/sapwood.h"

namespace {

using Clock = std::chrono::steady_clock;
using sapwood::TextInput;

// A task's two ways: the call for many texts, and the job of one with what reads its answer.
struct Work {
  std::function<void(std::span<const TextInput>)> call;
  std::function<std::pair<std::shared_ptr<sapwood::TaskJob>, std::function<void()>>(
      const TextInput&, sapwood::EncodeScratch&)>
      job;
};

template <class Task>
auto job_of(Task task) {
  return [task](const TextInput& text, sapwood::EncodeScratch& scratch) {
    std::shared_ptr job = task->job(text, scratch).value();
    return std::pair<std::shared_ptr<sapwood::TaskJob>, std::function<void()>>(
        job, [job] { job->finish(); });
  };
}

Work work_of(const std::string& task, const sapwood::Model& model) {
  if (task == "classify") {
    return {[&model](auto texts) {
              for (auto& answer : sapwood::classify(model, texts)) answer.value();
            },
            job_of(sapwood::classify_task(model))};
  }
  const sapwood::EmbedOptions options{.normalize = true};
  return {[&model, options](auto texts) {
            for (auto& answer : sapwood::embed(model, texts, options)) answer.value();
          },
          job_of(sapwood::embed_task(model, options))};
}

// A tab stands between the texts of a pair.
TextInput text_of(std::string_view line) {
  const std::size_t tab = line.find('\t');
  if (tab == line.npos) return {line};
  return {line.substr(0, tab), line.substr(tab + 1)};
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// What was done since it was made.
class Meter {
 public:
  void took(double seconds, std::size_t texts) {
    times_.push_back(1e3 * seconds);
    texts_ += texts;
  }
  double elapsed() const { return seconds_since(start_); }
  void print() {
    const double wall = elapsed(), processor = processor_seconds() - processor_;
    std::nth_element(times_.begin(), times_.begin() + static_cast<long>(times_.size() / 2),
                     times_.end());
    const auto texts = static_cast<double>(texts_);
    std::printf("{\"p50_ms\":%.5f,\"texts_per_s\":%.2f,\"processor_s\":%.8f,\"texts\":%zu}\n",
                times_[times_.size() / 2], texts / wall, processor / texts, texts_);
    std::fflush(stdout);
  }

 private:
  std::vector<double> times_;
  std::size_t texts_ = 0;
  Clock::time_point start_ = Clock::now();
  double processor_ = processor_seconds();
};

void call_repeatedly(const Work& work, std::span<const TextInput> texts, std::size_t at_once,
                     double seconds) {
  Meter meter;
  for (std::size_t next = 0; meter.elapsed() < seconds; next = (next + at_once) % texts.size()) {
    const auto start = Clock::now();
    work.call(texts.subspan(next, at_once));
    meter.took(seconds_since(start), at_once);
  }
  meter.print();
}

// Each answer is followed by the next text, on the thread that gave the answer.
class Callers {
 public:
  Callers(sapwood::Scheduler& scheduler, const Work& work, std::span<const TextInput> texts,
          double seconds)
      : scheduler_(scheduler), work_(work), texts_(texts), seconds_(seconds) {}

  void run(int clients) {
    under_way_ = clients;
    for (int i = 0; i < clients; ++i) next();
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return under_way_ == 0; });
    meter_.print();
  }

 private:
  void next() {
    thread_local sapwood::EncodeScratch scratch;
    const auto start = Clock::now();
    auto [job, read] = work_.job(texts_[turn_++ % texts_.size()], scratch);
    scheduler_.submit({{job}, {}, [this, start, read](const sapwood::Completion& end) {
                         sapwood::Scheduler::throw_unless_done(end);
                         read();
                         answered(seconds_since(start));
                       }});
  }
  void answered(double seconds) {
    {
      const std::lock_guard lock(mutex_);
      meter_.took(seconds, 1);
      if (meter_.elapsed() >= seconds_) {
        if (--under_way_ == 0) ended_.notify_one();
        return;
      }
    }
    next();
  }

  sapwood::Scheduler& scheduler_;
  const Work& work_;
  std::span<const TextInput> texts_;
  double seconds_;
  std::atomic<std::size_t> turn_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  int under_way_ = 0;
  Meter meter_;
};

void answer(const std::string& line, const Work& work, std::span<const TextInput> texts,
            sapwood::Scheduler& scheduler) {
  std::istringstream words(line);
  std::string what;
  int clients = 0;
  double seconds = 0;
  words >> what;
  if (what == "scheduler") words >> clients;
  words >> seconds;
  if (!words || seconds <= 0 || clients < (what == "scheduler" ? 1 : 0)) {
    throw std::runtime_error("expected one SECONDS, all SECONDS or scheduler CLIENTS SECONDS");
  }
  if (what == "scheduler") {
    Callers(scheduler, work, texts, seconds).run(clients);
  } else {
    call_repeatedly(work, texts, what == "one" ? 1 : texts.size(), seconds);
  }
}

int run(const std::string& name, const std::string& file, const std::string& task, int threads) {
  sapwood::LoadOptions options;
  options.copy_weights = true;
  options.team = sapwood::Threads(threads);
  options.threads = 0;
  const auto model = sapwood::Model::load(sapwood::find_model(name), options);
  const Work work = work_of(task, model);
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::vector<TextInput> texts;
  for (const std::string& line : lines) texts.push_back(text_of(line));
  if (texts.empty()) throw std::runtime_error(file + " has no texts");
  sapwood::SchedulerOptions scheduling;
  scheduling.team = options.team;
  sapwood::Scheduler scheduler(scheduling);
  scheduler.add(model);
  for (std::string line; std::getline(std::cin, line);) answer(line, work, texts, scheduler);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The library's own calls by the clock; lines on standard input say which");
  std::string model, texts, task = "embed";
  int threads = 0;
  app.add_option("-m,--model", model, "A directory, a converted file or a name")->required();
  app.add_option("--texts", texts, "A text a line, or a pair with a tab between")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--task", task)->check(CLI::IsMember({"classify", "embed"}));
  app.add_option("--threads", threads, "0: all that this process may use")
      ->check(CLI::Range(0, 1024));
  CLI11_PARSE(app, argc, argv);
  try {
    return run(model, texts, task, threads);
  } catch (const std::exception& error) {
    std::cerr << "load_library: " << error.what() << '\n';
    return 1;
  }
}
