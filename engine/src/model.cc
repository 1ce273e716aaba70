#include "sapwood/model.h"

#include <algorithm>

#include "load/converted.h"
#include "load/directory.h"
#include "model_state.h"
#include "run/choose_kernels.h"
#include "run/run.h"

namespace sapwood {
namespace {

int resolve_max_length(const LoadedParts& parts) {
  const int positions = parts.config.max_positions;
  std::optional<int> limit;
  if (parts.config.sentence) limit = parts.config.sentence->max_seq_length;
  if (!limit && parts.tokenizer && parts.tokenizer->truncation()) {
    limit = parts.tokenizer->truncation()->max_length;
  }
  if (!limit && parts.tokenizer) limit = parts.tokenizer->model_max_length();
  return std::min(limit.value_or(positions), positions);
}

Capacity capacity_of(const ModelConfig& config, const LoadOptions& options, int threads) {
  constexpr int kMostTokens = 1 << 20;
  constexpr int kMostSequences = 4096;
  if (options.batch_tokens < 1 || options.batch_tokens > kMostTokens) {
    throw Error(ErrorCode::invalid_argument, "batch_tokens: expected 1 to " +
                                                 std::to_string(kMostTokens) + ", found " +
                                                 std::to_string(options.batch_tokens));
  }
  Capacity capacity;
  capacity.tokens = std::max(options.batch_tokens, config.max_positions);
  capacity.sequences = std::min(capacity.tokens, kMostSequences);
  capacity.selected = config.max_positions;
  capacity.length = config.max_positions;
  capacity.threads = threads;
  return capacity;
}

Dense parse_dense(const std::string& name) {
  if (name.empty() || name == "auto") return Dense::automatic;
  if (name == "native") return Dense::native;
  if (name == "onednn") return Dense::onednn;
  throw Error(ErrorCode::invalid_argument,
              "dense: expected auto, native or onednn, found \"" + name + "\"");
}

int resolve_threads(int threads) {
  constexpr int kMostThreads = 1024;
  if (threads < 0 || threads > kMostThreads) {
    throw Error(ErrorCode::invalid_argument, "threads: expected 0 to " +
                                                 std::to_string(kMostThreads) + ", found " +
                                                 std::to_string(threads));
  }
  return threads == 0 ? available_threads() : threads;
}

}  // namespace

Model::State::State(std::filesystem::path path_, LoadedParts parts_,
                    const kernels::KernelTable& kernels, const LoadOptions& options)
    : path(std::move(path_)),
      parts(std::move(parts_)),
      max_length(resolve_max_length(parts)),
      graph(parts.config, parts.weights, kernels,
            capacity_of(parts.config, options, resolve_threads(options.threads)),
            parse_dense(options.dense)),
      executor(graph.capacity().threads) {
  if (!parts.tokenizer) return;
  for (const std::string& notice : parts.tokenizer->notices()) parts.notices.add(notice);
  // A token or two that were added and never trained harm only the texts that have them.
  if (parts.tokenizer->vocab_size() > parts.config.vocab_size) {
    parts.notices.add(
        path.string() + ": the tokenizer has " + std::to_string(parts.tokenizer->vocab_size()) +
        " tokens and the model's embedding only " + std::to_string(parts.config.vocab_size) +
        " rows; a text with one of the others is an error");
  }
}

std::unique_ptr<Workspace> Model::State::take_workspace() const {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Workspace> workspace = std::move(free_.back());
      free_.pop_back();
      return workspace;
    }
    free_.reserve(++made_);  // so that giving back cannot fail
  }
  return std::make_unique<Workspace>(graph);
}

void Model::State::give_workspace(std::unique_ptr<Workspace> workspace) const noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(workspace));
}

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Model Model::load(const std::filesystem::path& path, const LoadOptions& options) {
  const kernels::KernelTable& kernels = choose_kernels(options.isa);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw Error(ErrorCode::not_found, path.string() + ": no such model file or directory");
  }
  const bool directory = std::filesystem::is_directory(status);
  const bool as_stored = options.dtype.empty() || options.dtype == "auto";
  const auto types =
      WeightTypes::all(as_stored ? kernels::DType::f32 : parse_weight_type(options.dtype, "dtype"));
  LoadedParts parts = directory ? load_directory(path, types, options.tokenizer)
                                : load_converted(path, options.tokenizer);
  if (!directory && !as_stored && parts.weights.types().products != types.products) {
    throw Error(ErrorCode::unsupported, path.string() + ": the file was converted with --dtype " +
                                            to_string(parts.weights.types().products) +
                                            ", asked for is " + options.dtype +
                                            ": convert the model's directory again with that type");
  }
  if (!directory && options.copy_weights) parts.weights.copy();
  return Model(std::make_shared<const State>(path, std::move(parts), kernels, options));
}

const ModelConfig& Model::config() const noexcept { return state_->parts.config; }
const Graph& Model::graph() const noexcept { return state_->graph; }
const kernels::KernelTable& Model::kernels() const noexcept { return state_->graph.kernels(); }
const std::filesystem::path& Model::path() const noexcept { return state_->path; }
int Model::max_length() const noexcept { return state_->max_length; }

const std::vector<std::string>& Model::notices() const noexcept {
  return state_->parts.notices.list();
}

const Tokenizer& Model::tokenizer() const {
  if (!state_->parts.tokenizer) {
    throw Error(ErrorCode::not_found, state_->path.string() + ": the model has no tokenizer");
  }
  return *state_->parts.tokenizer;
}

namespace {

EncodeOptions encode_options(const Model& model, const LengthOptions& length) {
  EncodeOptions options;
  options.max_length = length.max_length.value_or(model.max_length());
  if (*options.max_length > model.config().max_positions) {
    throw Error(ErrorCode::invalid_argument, "max_length: expected at most the model's " +
                                                 std::to_string(model.config().max_positions) +
                                                 " positions, found " +
                                                 std::to_string(*options.max_length));
  }
  options.truncation = length.truncation;
  options.truncation_direction = length.direction;
  options.parse_special_tokens = length.parse_special_tokens;
  options.overflowing = false;
  return options;
}

}  // namespace

Encoding Model::encode(std::string_view text, const LengthOptions& options) const {
  return tokenizer().encode(text, encode_options(*this, options));
}

Encoding Model::encode(std::string_view text, std::string_view pair,
                       const LengthOptions& options) const {
  return tokenizer().encode(text, pair, encode_options(*this, options));
}

void Model::encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                        const LengthOptions& options) const {
  tokenizer().encode_into(out, scratch, text, encode_options(*this, options));
}

void Model::encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                        std::string_view pair, const LengthOptions& options) const {
  tokenizer().encode_into(out, scratch, text, pair, encode_options(*this, options));
}

namespace {

[[noreturn]] void fail_sequence(std::size_t index, const std::string& problem) {
  throw Error(ErrorCode::invalid_argument, "sequence " + std::to_string(index) + ": " + problem);
}

void check_range(std::size_t index, const char* what, std::span<const std::int32_t> values,
                 int limit) {
  for (const std::int32_t value : values) {
    if (value < 0 || value >= limit) {
      fail_sequence(index, std::string(what) + ": expected 0 to " + std::to_string(limit - 1) +
                               ", found " + std::to_string(value));
    }
  }
}

void check_sequence(std::size_t index, const Sequence& s, const ModelConfig& config) {
  const int length =
      static_cast<int>(std::min<std::size_t>(s.ids.size(), config.max_positions + 1));
  if (length < 1 || length > config.max_positions) {
    fail_sequence(index, "expected 1 to " + std::to_string(config.max_positions) +
                             " tokens, found " + std::to_string(s.ids.size()));
  }
  check_range(index, "token id", s.ids, config.vocab_size);
  if (!s.type_ids.empty() && s.type_ids.size() != s.ids.size()) {
    fail_sequence(index, "expected one type id a token");
  }
  // DistilBERT has no type embeddings and ignores what a tokenizer says about types.
  if (config.type_vocab > 0) check_range(index, "type id", s.type_ids, config.type_vocab);
  check_range(index, "selected row", s.selected, length);
  if (!std::is_sorted(s.selected.begin(), s.selected.end(), std::less_equal<>{})) {
    fail_sequence(index, "expected the selected rows in ascending order");
  }
}

}  // namespace

void Model::run(std::span<const Sequence> sequences, Output output, const Sink& sink) const {
  const Graph& graph = state_->graph;
  const ValueId wanted = output == Output::hidden ? graph.hidden() : graph.head();
  if (wanted == kNoValue) {
    throw Error(ErrorCode::unsupported, "the model is a bare encoder: it has no head");
  }
  for (std::size_t i = 0; i < sequences.size(); ++i) check_sequence(i, sequences[i], config());

  const Value& value = graph.values()[wanted];
  const int node_count =
      output == Output::hidden ? graph.encoder_nodes() : static_cast<int>(graph.nodes().size());

  // The sink may throw; the workspace goes back all the same.
  struct Loan {
    const State& state;
    std::unique_ptr<Workspace> workspace;
    ~Loan() { state.give_workspace(std::move(workspace)); }
  } loan{*state_, state_->take_workspace()};
  Workspace& workspace = *loan.workspace;
  Batch& batch = workspace.batch;

  for (std::size_t next = 0; next < sequences.size();) {
    batch.clear();
    const std::size_t first = next;
    for (; next < sequences.size(); ++next) {
      const Sequence& s = sequences[next];
      if (!batch.fits(s.ids.size(), s.selected.size(), graph.capacity())) break;
      batch.add(s.ids, s.type_ids, s.selected);
    }
    state_->executor.run([&](Team& team) { run_nodes(graph, node_count, workspace, team); });
    const float* data = workspace.at(value);
    std::int64_t row = 0;
    for (std::size_t i = first; i < next; ++i) {
      const std::size_t rows = value.rows == RowKind::tokens      ? sequences[i].ids.size()
                               : value.rows == RowKind::sequences ? 1
                                                                  : sequences[i].selected.size();
      sink(i, {data + row * value.cols, static_cast<int>(rows), value.cols});
      row += static_cast<std::int64_t>(rows);
    }
  }
}

}  // namespace sapwood
