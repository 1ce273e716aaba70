#include "sapwood/model.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "base/border.h"
#include "encode_options.h"
#include "load/converted.h"
#include "load/directory.h"
#include "load/max_length.h"
#include "load/vocabularies.h"
#include "model_state.h"
#include "run/choose_kernels.h"

namespace sapwood {
namespace {

Capacity capacity_of(const ModelConfig& config, const LoadOptions& options, int threads) {
  constexpr int kMostSequences = 4096;
  if (options.batch_tokens < 1 || options.batch_tokens > kMostBatchTokens) {
    throw Error(ErrorCode::invalid_argument, "batch_tokens: expected 1 to " +
                                                 std::to_string(kMostBatchTokens) + ", found " +
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

// What one thread's run holds where each thread has its own: together as many tokens as one run of all.
Capacity lone(Capacity capacity) {
  capacity.tokens =
      std::max((capacity.tokens + capacity.threads - 1) / capacity.threads, capacity.length);
  capacity.sequences = std::min(capacity.sequences, capacity.tokens);
  capacity.threads = 1;
  return capacity;
}

// Throws Error invalid_argument for a number of threads that is none.
int resolve_threads(int threads, const Threads& team) {
  if (threads < 0 || threads > team.size()) {
    throw Error(ErrorCode::invalid_argument, "threads: expected 0 to the team's " +
                                                 std::to_string(team.size()) + ", found " +
                                                 std::to_string(threads));
  }
  return threads == 0 ? team.size() : threads;
}

}  // namespace

Model::State::State(std::filesystem::path path_, LoadedParts parts_,
                    const kernels::KernelTable& kernels, const LoadOptions& options)
    : path(std::move(path_)),
      parts(std::move(parts_)),
      max_length(*resolve_max_length(
          parts.config.sentence ? parts.config.sentence->max_seq_length : std::nullopt,
          parts.tokenizer ? &*parts.tokenizer : nullptr, parts.config.max_positions)),
      team(options.team ? *options.team : Threads(options.threads)),
      capacity(capacity_of(parts.config, options, resolve_threads(options.threads, team))),
      graph(parts.config, parts.weights, kernels, options.dense, capacity.threads),
      runs(graph, capacity),
      lone_runs(graph, lone(capacity)) {
  if (!parts.tokenizer) return;
  parts.notices.add(parts.tokenizer->notices());
  compare_vocabularies(parts.config, *parts.tokenizer, path.string(), parts.notices);
  if (parts.config.static_embedding) {
    median_token_length = sapwood::median_token_length(*parts.tokenizer);
  }
}

Model::Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}

namespace {

WeightTypes types_to_pack(const LoadOptions& options) {
  return WeightTypes::all(
      dtype_of(options.dtype == WeightType::automatic ? WeightType::f32 : options.dtype));
}

// A converted file, with weights of the type that is asked for and where they are asked for.
LoadedParts load_file(InputFile file, const LoadOptions& options) {
  const std::string where = file.path().string();
  LoadedParts parts = load_converted(std::move(file), options.tokenizer);
  const kernels::DType found = parts.weights.types().products;
  if (options.dtype != WeightType::automatic && dtype_of(options.dtype) != found) {
    throw Error(ErrorCode::unsupported, where + ": the file was converted with --dtype " +
                                            to_string(found) + ", asked for is " +
                                            std::string(to_string(options.dtype)) +
                                            ": convert the model's directory again with that type");
  }
  if (options.copy_weights) parts.weights.copy();
  return parts;
}

// The bytes of a converted file, or a copy of them that begins where kernels want it.
InputFile::Memory aligned(std::span<const std::byte> bytes) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kernels::kAlignment == 0) {
    return {bytes, nullptr};
  }
  const auto size = kernels::round_up(static_cast<std::int64_t>(bytes.size()), kernels::kAlignment);
  auto* const copy = static_cast<std::byte*>(
      std::aligned_alloc(kernels::kAlignment, static_cast<std::size_t>(size)));
  if (copy == nullptr) throw std::bad_alloc();
  std::shared_ptr<const void> owner(copy, std::free);
  std::copy(bytes.begin(), bytes.end(), copy);
  return {{copy, bytes.size()}, std::move(owner)};
}

}  // namespace

Model Model::load(const std::filesystem::path& path, const LoadOptions& options) try {
  const kernels::KernelTable& kernels = choose_kernels(options.isa);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::none)
    throw_errno(path, "cannot look up", error.value());
  if (!std::filesystem::exists(status)) {
    throw Error(ErrorCode::not_found, path.string() + ": no such model file or directory");
  }
  LoadedParts parts =
      std::filesystem::is_directory(status)
          ? load_directory(Folder::open(path), types_to_pack(options), options.tokenizer)
          : load_file(InputFile::open(path), options);
  return Model(std::make_shared<const State>(path, std::move(parts), kernels, options));
} catch (...) {
  throw_as_error();
}

Model Model::load(std::span<const std::byte> converted, const LoadOptions& options) try {
  const kernels::KernelTable& kernels = choose_kernels(options.isa);
  LoadedParts parts = load_file(InputFile(options.name, aligned(converted)), options);
  return Model(std::make_shared<const State>(options.name, std::move(parts), kernels, options));
} catch (...) {
  throw_as_error();
}

Model Model::load(std::span<const NamedBuffer> files, const LoadOptions& options) try {
  const kernels::KernelTable& kernels = choose_kernels(options.isa);
  LoadedParts parts =
      load_directory(Folder(options.name, files), types_to_pack(options), options.tokenizer);
  return Model(std::make_shared<const State>(options.name, std::move(parts), kernels, options));
} catch (...) {
  throw_as_error();
}

const ModelConfig& Model::config() const noexcept { return state_->parts.config; }
const std::filesystem::path& Model::path() const noexcept { return state_->path; }
int Model::max_length() const noexcept { return state_->max_length; }

const std::vector<std::string>& Model::notices() const noexcept {
  return state_->parts.notices.list();
}

const Tokenizer& Model::tokenizer() const try {
  if (!state_->parts.tokenizer) {
    throw Error(ErrorCode::not_found, state_->path.string() + ": the model has no tokenizer");
  }
  return *state_->parts.tokenizer;
} catch (...) {
  throw_as_error();
}

Encoding Model::encode(std::string_view text, const LengthOptions& options) const try {
  Encoding out;
  EncodeScratch scratch;
  encode_text(*this, out, scratch, text, nullptr, encode_options(*this, options));
  return out;
} catch (...) {
  throw_as_error();
}

Encoding Model::encode(std::string_view text, std::string_view pair,
                       const LengthOptions& options) const try {
  Encoding out;
  EncodeScratch scratch;
  encode_text(*this, out, scratch, text, &pair, encode_options(*this, options));
  return out;
} catch (...) {
  throw_as_error();
}

void Model::encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                        const LengthOptions& options) const try {
  encode_text(*this, out, scratch, text, nullptr, encode_options(*this, options));
} catch (...) {
  throw_as_error();
}

void Model::encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                        std::string_view pair, const LengthOptions& options) const try {
  encode_text(*this, out, scratch, text, &pair, encode_options(*this, options));
} catch (...) {
  throw_as_error();
}

void Model::run(std::span<const Sequence> sequences, Output output, const Sink& sink) const try {
  for (std::size_t i = 0; i < sequences.size(); ++i) check_sequence(i, sequences[i], config());

  const RunPool::Loan loan(state_->runs);  // goes back also when the sink throws
  PackedRun& run = *loan;
  run.check(output);
  const int most = state_->runs.cache_tokens();
  for (std::size_t next = 0; next < sequences.size();) {
    run.clear();
    const std::size_t first = next;
    while (next < sequences.size() && run.add(sequences[next], most)) ++next;
    run.run(output, state_->team, state_->capacity.threads);
    for (std::size_t i = first; i < next; ++i) {
      call_caller([&] { sink(i, run.rows(output, i - first)); });
    }
  }
} catch (...) {
  throw_as_error();
}

}  // namespace sapwood
