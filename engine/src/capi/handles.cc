#include "capi/handles.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "sapwood/utf8.h"
#include "sapwood/version.h"

namespace sapwood::capi {

sapwood_status status_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return SAPWOOD_INVALID_ARGUMENT;
    case ErrorCode::not_found:
      return SAPWOOD_NOT_FOUND;
    case ErrorCode::io:
      return SAPWOOD_IO;
    case ErrorCode::malformed:
      return SAPWOOD_MALFORMED;
    case ErrorCode::mismatch:
      return SAPWOOD_MISMATCH;
    case ErrorCode::unsupported:
      return SAPWOOD_UNSUPPORTED;
    case ErrorCode::invalid_utf8:
      return SAPWOOD_INVALID_UTF8;
    case ErrorCode::too_long:
      return SAPWOOD_TOO_LONG;
    case ErrorCode::isa_unavailable:
      return SAPWOOD_ISA_UNAVAILABLE;
    case ErrorCode::out_of_memory:
      return SAPWOOD_OUT_OF_MEMORY;
    case ErrorCode::overloaded:
      return SAPWOOD_OVERLOADED;
    case ErrorCode::deadline_exceeded:
      return SAPWOOD_DEADLINE_EXCEEDED;
    case ErrorCode::cancelled:
      return SAPWOOD_CANCELLED;
  }
  return SAPWOOD_INTERNAL;
}

sapwood_status tell(sapwood_error* error, sapwood_status status,
                    std::string_view message) noexcept {
  if (error == nullptr) return status;
  std::size_t size = std::min(message.size(), sizeof error->message - 1);
  // Not in the middle of a character.
  while (size < message.size() && size > 0 &&
         (static_cast<unsigned char>(message[size]) & 0xC0) == 0x80) {
    --size;
  }
  error->status = status;
  std::copy_n(message.data(), size, error->message);
  error->message[size] = '\0';
  return status;
}

sapwood_status tell_exception(sapwood_error* error) noexcept {
  try {
    throw;
  } catch (const Error& e) {
    return tell(error, status_of(e.code()), e.what());
  } catch (const std::bad_alloc&) {
    return tell(error, SAPWOOD_OUT_OF_MEMORY, "an allocation failed");
  } catch (const std::exception& e) {
    return tell(error, SAPWOOD_INTERNAL, e.what());
  } catch (...) {
    return tell(error, SAPWOOD_INTERNAL, "an unknown exception");
  }
}

void require(const void* pointer, const char* name) {
  if (pointer != nullptr) return;
  throw Error(ErrorCode::invalid_argument, std::string(name) + " is NULL");
}

std::string_view view(const sapwood_text& text, const char* name) {
  if (text.size > 0) require(text.data, name);
  return text.size == 0 ? std::string_view("") : std::string_view(text.data, text.size);
}

void require_texts(const sapwood_text* texts, std::size_t count, const char* name) {
  if (count > 0) require(texts, name);
  for (std::size_t i = 0; i < count; ++i) view(texts[i], name);
}

LengthOptions length_options(const sapwood_task_options& options) {
  LengthOptions length;
  if (options.max_length < 0) {
    throw Error(ErrorCode::invalid_argument,
                "max_length: expected 0 or more, found " + std::to_string(options.max_length));
  }
  if (options.max_length > 0) length.max_length = options.max_length;
  switch (options.truncation) {
    case SAPWOOD_TRUNCATE_LONGEST_FIRST:
      break;
    case SAPWOOD_TRUNCATE_ONLY_FIRST:
      length.truncation = Truncation::only_first;
      break;
    case SAPWOOD_TRUNCATE_ONLY_SECOND:
      length.truncation = Truncation::only_second;
      break;
    case SAPWOOD_TRUNCATE_NONE:
      length.truncation = Truncation::none;
      break;
    default:
      throw Error(ErrorCode::invalid_argument, "truncation: expected a sapwood_truncation, found " +
                                                   std::to_string(options.truncation));
  }
  if (options.truncate_left != 0) length.direction = Direction::left;
  length.parse_special_tokens = options.plain_special == 0;
  return length;
}

ClassifyOptions classify_options(const sapwood_task_options& options) {
  ClassifyOptions classify{.top_k = options.top_k, .length = length_options(options)};
  if (options.function != nullptr) classify.function = from_string<ScoreFunction>(options.function);
  return classify;
}

EmbedOptions embed_options(const sapwood_task_options& options) {
  EmbedOptions embed{.length = length_options(options)};
  if (options.pooling != nullptr) embed.pooling = from_string<PoolingMode>(options.pooling);
  if (embed.pooling == PoolingMode::none) {
    throw Error(ErrorCode::unsupported,
                "pooling none gives one vector a token; expected one a text");
  }
  if (options.normalize >= 0) embed.normalize = options.normalize != 0;
  if (options.prompt != nullptr) embed.prompt = options.prompt;
  if (options.prompt_name != nullptr) embed.prompt_name = options.prompt_name;
  if (options.dimensions != 0) embed.dimensions = options.dimensions;
  return embed;
}

SparseOptions sparse_options(const sapwood_task_options& options) {
  SparseOptions sparse{.length = length_options(options)};
  if (options.route != nullptr) sparse.route = from_string<Route>(options.route);
  if (options.prompt != nullptr) sparse.prompt = options.prompt;
  if (options.prompt_name != nullptr) sparse.prompt_name = options.prompt_name;
  if (options.max_active_dims != 0) sparse.max_active_dims = options.max_active_dims;
  return sparse;
}

RerankOptions rerank_options(const sapwood_task_options& options) {
  RerankOptions rerank{.length = length_options(options)};
  if (options.raw_scores != 0) rerank.scores = PairScore::raw;
  if (options.scores != nullptr) rerank.scores = from_string<PairScore>(options.scores);
  if (options.query_prompt != nullptr) rerank.query_prompt = options.query_prompt;
  if (options.text_prompt != nullptr) rerank.text_prompt = options.text_prompt;
  return rerank;
}

}  // namespace sapwood::capi

using namespace sapwood;

const char* sapwood_status_name(sapwood_status status) {
  if (status == SAPWOOD_OK) return "ok";
  if (status == SAPWOOD_INTERNAL) return "internal";
  for (int code = 0; code <= static_cast<int>(ErrorCode::cancelled); ++code) {
    if (capi::status_of(static_cast<ErrorCode>(code)) == status) {
      return to_string(static_cast<ErrorCode>(code)).data();
    }
  }
  return "unknown";
}

const char* sapwood_version_string() { return version().data(); }

sapwood_status sapwood_threads_new(int count, sapwood_threads** threads, sapwood_error* error) {
  return capi::guarded(error, [&] {
    capi::require(threads, "threads");
    *threads = new sapwood_threads{Threads(count)};
  });
}

void sapwood_threads_free(sapwood_threads* threads) { delete threads; }

namespace {

// Fills the caller's struct with as many bytes of the defaults as it has.
template <class Options>
void fill(Options* options, std::size_t size, Options defaults) {
  if (options == nullptr) return;
  defaults.size = std::min(size, sizeof defaults);
  std::memcpy(options, &defaults, defaults.size);
}

}  // namespace

void sapwood_load_options_init(sapwood_load_options* options, std::size_t size) {
  const LoadOptions defaults;
  sapwood_load_options load{};
  load.isa = load.dtype = load.dense = "auto";
  load.threads = defaults.threads;
  load.batch_tokens = defaults.batch_tokens;
  fill(options, size, load);
}

void sapwood_task_options_init(sapwood_task_options* options, std::size_t size) {
  sapwood_task_options task{};
  task.normalize = -1;
  task.aggregation = "none";
  fill(options, size, task);
}

void sapwood_zero_shot_options_init(sapwood_zero_shot_options* options, std::size_t size) {
  fill(options, size, sapwood_zero_shot_options{});
}

void sapwood_scheduler_options_init(sapwood_scheduler_options* options, std::size_t size) {
  const SchedulerOptions defaults;
  sapwood_scheduler_options scheduler{};
  scheduler.batch_tokens = defaults.batch_tokens;
  scheduler.max_wait_ms = std::chrono::duration<double, std::milli>(defaults.max_wait).count();
  fill(options, size, scheduler);
}
