// Loading and running: what is refused, and that many threads may share one model.
#include <map>
#include <thread>

#include "catch.h"
#include "golden.h"
#include "sapwood/inspect.h"
#include "sapwood/kernels/processor.h"

namespace sapwood::test {
namespace {

const fs::path base = golden_dir() / "bert-base-gelu-new";

template <class F>
ErrorCode error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.code();
  }
  FAIL("expected an error");
  return {};
}

TEST_CASE("the forced instruction set is the one that runs", "[model][isa]") {
  for (const Isa isa : runnable_isas()) {
    const Model model = Model::load(base, {.isa = isa});
    const ModelInfo info = inspect(model);
    CHECK(info.isa == to_string(isa));
    const std::map<std::string, std::string> sets(info.kernels.begin(), info.kernels.end());
    for (const NodeSummary& node : summarize(model).nodes) {
      if (node.kernel == "copy") continue;
      // An extension takes the kernels of floats from the set that it extends.
      const auto own = sets.find(node.op + "_f32");
      const std::string set = own != sets.end() ? own->second : info.isa;
      CHECK(info.isa.starts_with(set));
      CHECK(node.kernel == node.op + "_f32_" + set);
    }
  }
}

TEST_CASE("an instruction set that this CPU lacks is refused by name", "[model][isa]") {
  const std::vector<Isa> runnable = runnable_isas();
  for (const NamedValue& named : names_of(Isa{}).values) {
    const auto isa = static_cast<Isa>(named.value);
    if (isa == Isa::automatic || std::count(runnable.begin(), runnable.end(), isa) > 0) continue;
    if (kernels::select_table(named.name) != nullptr) continue;  // avx512_intel
    CHECK(error_of([&] { Model::load(base, {.isa = isa}); }) == ErrorCode::isa_unavailable);
  }
}

TEST_CASE("avx512_intel computes as the sets do that its kernels are of", "[model][isa]") {
  if (kernels::select_table("avx512_intel") == nullptr) {
    return skipped("the kernels of avx512_intel are not to be had here");
  }
  for (const char* name : {"bert-base-gelu-new", "distilbert-base"}) {
    for (const WeightType dtype : {WeightType::f32, WeightType::bf16, WeightType::int8}) {
      INFO(name << " " << to_string(dtype));
      const fs::path folder = golden_dir() / name;
      const Model intel = Model::load(folder, {.isa = Isa::avx512_intel, .dtype = dtype});
      const Model widened = Model::load(folder, {.isa = Isa::avx512_vnni, .dtype = dtype});
      const RandomTexts texts(intel, 5, 3);
      const auto together = run(intel, texts.sequences, Output::hidden);
      CHECK(together == run(widened, texts.sequences, Output::hidden));
      for (std::size_t i = 0; i < together.size(); ++i) {
        CHECK(run(intel, {texts.sequences[i]}, Output::hidden)[0] == together[i]);
      }
      for (const NodeSummary& node : summarize(intel).nodes) {
        if (node.op == "attention") CHECK(node.kernel == "attention_f32_avx512");
        if (node.op == "linear" && node.dtype == "bf16") CHECK(node.kernel == "linear_bf16_avx512");
        if (node.op == "linear" && node.dtype == "int8" && !node.kernel.starts_with("onednn")) {
          CHECK(node.kernel == "linear_int8_avx512_vnni");
        }
      }
    }
  }
}

TEST_CASE("inspect names the processor, its line and the kernel of each operation",
          "[model][isa]") {
  const ModelInfo info = inspect(Model::load(base));
  const kernels::Processor& processor = kernels::this_processor();
  CHECK(info.processor.ends_with(" model " + std::to_string(processor.model)));
  CHECK(info.processor_line == kernels::line_of(processor).name);
  CHECK(info.kernels.size() == kernels::kernel_choices(*kernels::select_table("auto")).size());
  CHECK(info.kernels.front().first == "linear_f32");
}

TEST_CASE("SAPWOOD_ISA is read by auto and by nobody else", "[model][isa]") {
  setenv("SAPWOOD_ISA", "scalar", 1);
  CHECK(inspect(Model::load(base)).isa == "scalar");
  for (const Isa isa : runnable_isas()) {
    CHECK(inspect(Model::load(base, {.isa = isa})).isa == to_string(isa));
  }
  setenv("SAPWOOD_ISA", "nonsense", 1);
  try {
    Model::load(base);
    FAIL("expected an error");
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::isa_unavailable);
    CHECK(std::string(e.what()).find("'nonsense' (SAPWOOD_ISA)") != std::string::npos);
  }
  unsetenv("SAPWOOD_ISA");
}

TEST_CASE("load options out of range are refused", "[model]") {
  CHECK(error_of([] { Model::load(base, {.threads = -1}); }) == ErrorCode::invalid_argument);
  CHECK(error_of([] { Model::load(base, {.batch_tokens = 0}); }) == ErrorCode::invalid_argument);
  CHECK(error_of([] { Model::load("/no/such/model"); }) == ErrorCode::not_found);
  CHECK(error_of([] { Model::load("/dev/null"); }) == ErrorCode::io);
}

TEST_CASE("HOSTILE 52: ids, types and lengths out of range are refused before anything runs",
          "[model][hostile]") {
  const Model model = Model::load(base);
  const int vocabulary = model.config().vocab_size;
  bool called = false;
  const auto refused = [&](std::vector<std::int32_t> ids, std::vector<std::int32_t> types) {
    const Sequence good{.ids = std::span<const std::int32_t>(ids).first(0)};
    (void)good;
    const std::vector<std::int32_t> valid = {1};
    const std::vector<Sequence> list = {{.ids = valid}, {.ids = ids, .type_ids = types}};
    return error_of([&] {
      model.run(list, Output::hidden, [&](std::size_t, const MatrixView&) { called = true; });
    });
  };
  CHECK(refused({}, {}) == ErrorCode::invalid_argument);
  CHECK(refused({-1}, {}) == ErrorCode::invalid_argument);
  CHECK(refused({vocabulary}, {}) == ErrorCode::invalid_argument);
  CHECK(refused({1, 2}, {0}) == ErrorCode::invalid_argument);
  CHECK(refused({1}, {model.config().type_vocab}) == ErrorCode::invalid_argument);
  CHECK(refused(std::vector<std::int32_t>(model.config().max_positions + 1, 1), {}) ==
        ErrorCode::invalid_argument);
  CHECK_FALSE(called);
  CHECK(error_of([&] { run(model, {}, Output::head); }) == ErrorCode::unsupported);
}

TEST_CASE("a text over the limit is cut and said, or refused", "[model]") {
  const Model model = Model::load(base);
  std::string text;
  for (int i = 0; i < 300; ++i) text += "water ";
  const Encoding cut = model.encode(text);
  CHECK(static_cast<int>(cut.ids.size()) == model.max_length());
  CHECK(cut.truncated);
  CHECK(error_of([&] { model.encode(text, {.truncation = Truncation::none}); }) ==
        ErrorCode::too_long);
  CHECK(model.encode(text, {.max_length = 5}).ids.size() == 5);
  CHECK(error_of([&] { model.encode(text, {.max_length = 100000}); }) ==
        ErrorCode::invalid_argument);
  CHECK(error_of([&] { model.encode("\xff"); }) == ErrorCode::invalid_utf8);
  CHECK(model.encode("").ids.size() == 2);
}

TEST_CASE("a sink that throws leaves the model usable", "[model]") {
  const Model model = Model::load(base);
  const std::vector<std::int32_t> ids = {1, 2};
  const std::vector<Sequence> list = {{.ids = ids}};
  CHECK_THROWS_AS(model.run(list, Output::hidden,
                            [](std::size_t, const MatrixView&) { throw std::runtime_error("x"); }),
                  std::runtime_error);
  CHECK(run(model, list, Output::hidden)[0].size() == ids.size() * model.config().hidden);
}

TEST_CASE("HOSTILE 53: many threads share one model", "[model][threads][hostile]") {
  const Model model = Model::load(base, {.threads = 2});
  const RandomTexts texts(model, 4, 2);
  const auto expected = run(model, texts.sequences, Output::hidden);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 64; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2; ++i) {
        if (run(model, texts.sequences, Output::hidden) != expected) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("threads follow the affinity mask", "[model][threads]") {
  CHECK(available_threads() >= 1);
  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof(all), &all) == 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &all)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
  CHECK(available_threads() == 1);
  sched_setaffinity(0, sizeof(all), &all);
}

TEST_CASE("the graph is fused as designed", "[model][graph]") {
  const GraphSummary graph = summarize(Model::load(golden_dir() / "distilbert-base"));
  std::map<std::string, int> ops;
  for (const NodeSummary& node : graph.nodes) ++ops[node.op];
  const int layers = 2;
  CHECK(ops["linear"] == 4 * layers);  // QKV as one product, output, feedforward in and out
  CHECK(ops["attention"] == layers);
  CHECK(ops["layer_norm"] == 2 * layers + 1);  // residuals are inside
  CHECK(graph.nodes.size() == 7u * layers + 2);
  for (const NodeSummary& node : graph.nodes) {
    if (node.name == "layers.0.attention.qkv") CHECK(node.shape == "[tokens, 192]");
    if (node.name == "layers.0.ffn.in") CHECK(node.epilogue == "bias+gelu");
  }
  const std::string dot = to_dot(graph);
  CHECK(std::count(dot.begin(), dot.end(), '>') >= static_cast<long>(graph.nodes.size()) - 1);
}

TEST_CASE("in int8 norms quantize, and hidden units are activated where they are quantized",
          "[model][graph]") {
  const Model model = Model::load(golden_dir() / "distilbert-base",
                                  {.dtype = WeightType::int8, .dense = DenseProducts::native});
  int narrowed = 0;
  for (const NodeSummary& node : summarize(model).nodes) {
    INFO(node.name);
    narrowed += node.op == "narrow";
    if (node.name == "embeddings.norm") CHECK(node.epilogue == "quantize");
    if (node.name == "layers.0.attention.norm") CHECK(node.epilogue == "residual+quantize");
    if (node.name == "layers.1.ffn.norm") CHECK(node.epilogue == "residual");  // nothing reads it
    if (node.name == "layers.0.ffn.in") CHECK(node.epilogue == "bias");
    if (node.name == "layers.0.ffn.in.int8") CHECK(node.epilogue == "gelu");
  }
  CHECK(narrowed == 2 * 2);  // attention's output and the hidden units of each layer
}

TEST_CASE("a directory without a tokenizer loads where none is asked for", "[model]") {
  const TemporaryFolder folder;
  for (const char* name : {"config.json", "model.safetensors"})
    fs::copy(base / name, folder.path() / name);
  const Model model = Model::load(folder.path(), {.tokenizer = false});
  CHECK(error_of([&] { model.encode("x"); }) == ErrorCode::not_found);
  CHECK_THROWS_AS(Model::load(folder.path()), Error);
}

}  // namespace
}  // namespace sapwood::test
