// Tokenizing English text on one thread.
//
// The text is the file named by SAPWOOD_BENCH_TEXT, else generated; the tokenizer is the one named
// by SAPWOOD_BENCH_TOKENIZER (a directory, tokenizer.json, or vocab.txt taken as uncased), else a
// small one with the generated words. Figures to quote are those of a real text and BERT's
// vocabulary:
//   SAPWOOD_BENCH_TEXT=../shared/data/corpus/wikitext-2.test.txt
//   SAPWOOD_BENCH_TOKENIZER=../shared/data/tokenizer/bert-base-uncased.vocab.txt
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/tokenizer/tokenizer.h"

namespace {

constexpr const char* kWords[] = {"the",   "of",       "and",   "film",     "was",       "written",
                                  "in",    "nineteen", "story", "charming", "affecting", "journey",
                                  "often", "people",   "would", "against",  "through",   "another"};

const std::string& text() {
  static const std::string text = [] {
    if (const char* path = std::getenv("SAPWOOD_BENCH_TEXT")) {
      std::ifstream in(path, std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(in), {});
    }
    std::mt19937 random(1);
    std::string generated;
    while (generated.size() < 1'000'000) {
      generated += kWords[random() % std::size(kWords)];
      const unsigned r = random() % 60;
      generated += r == 0 ? ".\n" : r < 5 ? ", " : " ";
    }
    return generated;
  }();
  return text;
}

sapwood::VocabOptions uncased() {
  sapwood::VocabOptions options;
  options.lowercase = true;
  return options;
}

const std::string& tokenizer_json() {
  static const std::string json = [] {
    if (const char* path = std::getenv("SAPWOOD_BENCH_TOKENIZER")) {
      return sapwood::Tokenizer::load(path, uncased()).to_json();
    }
    std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n.\n,\n";
    for (const char* word : kWords) vocab += std::string(word) + '\n';
    return sapwood::Tokenizer::from_vocab(vocab, uncased()).to_json();
  }();
  return json;
}

const sapwood::Tokenizer& tokenizer() {
  static const sapwood::Tokenizer tokenizer = sapwood::Tokenizer::from_json(tokenizer_json());
  return tokenizer;
}

std::vector<std::string_view> lines() {
  std::vector<std::string_view> result;
  std::string_view rest = text();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    result.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return result;
}

void run(benchmark::State& state, const std::vector<std::string_view>& pieces, bool offsets) {
  tokenizer();  // is loaded before the clock runs
  sapwood::EncodeOptions options;
  options.offsets = offsets;
  sapwood::Encoding encoding;
  sapwood::EncodeScratch scratch;
  std::size_t bytes = 0, tokens = 0;
  for (std::string_view piece : pieces) bytes += piece.size();
  for (auto _ : state) {
    tokens = 0;
    for (std::string_view piece : pieces) {
      tokenizer().encode_into(encoding, scratch, piece, options);
      tokens += encoding.size();
    }
    benchmark::DoNotOptimize(tokens);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
  state.counters["tokens"] = static_cast<double>(tokens);
}

void tokenize_lines(benchmark::State& state) { run(state, lines(), true); }
void tokenize_lines_without_offsets(benchmark::State& state) { run(state, lines(), false); }
void tokenize_whole_text(benchmark::State& state) { run(state, {text()}, true); }

// As who encodes one text at a time does: every call makes its own storage.
void tokenize_one_short_text(benchmark::State& state) {
  constexpr std::string_view kText = "the film was often charming and affecting .";
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer().encode(kText).size());
}

void load_tokenizer_json(benchmark::State& state) {
  const std::string& json = tokenizer_json();
  for (auto _ : state) benchmark::DoNotOptimize(sapwood::Tokenizer::from_json(json).vocab_size());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * json.size()));
}

// As a converted model is loaded.
void load_tokenizer_parts(benchmark::State& state) {
  const sapwood::Tokenizer::Parts parts = tokenizer().to_parts();
  for (auto _ : state) benchmark::DoNotOptimize(sapwood::Tokenizer::from_parts(parts).vocab_size());
}

BENCHMARK(tokenize_lines)->Unit(benchmark::kMillisecond);
BENCHMARK(tokenize_lines_without_offsets)->Unit(benchmark::kMillisecond);
BENCHMARK(tokenize_whole_text)->Unit(benchmark::kMillisecond);
BENCHMARK(tokenize_one_short_text)->Unit(benchmark::kMicrosecond);
BENCHMARK(load_tokenizer_json)->Unit(benchmark::kMillisecond);
BENCHMARK(load_tokenizer_parts)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
