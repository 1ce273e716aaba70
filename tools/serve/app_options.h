// What the application of `sapwood serve` is told when it starts. The flags and environment variables that stand for
// these fields are in deploy/README.md; names are text-embeddings-inference's where it has one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/model.h"

namespace sapwood::serve {

struct ModelSource {
  std::string name;  // by which requests ask for it
  std::string path;  // what find_model() finds
};

// "name=path", or a path alone, whose name is then that of find_model's folder or file. Throws Error
// invalid_argument where one of them is empty.
ModelSource parse_model_source(std::string_view text);

struct AppOptions {
  std::vector<ModelSource> models;  // at least one; the first answers requests that name none
  LoadOptions load;                 // of every model; `team` and `threads` are the application's
  int threads = 0;                  // 0: all that this process may use
  int batch_tokens = 64;            // of a run that holds several texts
  std::chrono::milliseconds max_wait{1000};      // requests that would wait longer are refused
  std::chrono::milliseconds request_timeout{0};  // of requests that bring none; 0: none
  std::string api_key;                           // empty: none is asked for
  std::uint64_t payload_limit = 2'000'000;       // bytes of a body
  int max_client_batch_size = 32;                // texts of a request
  int max_request_tokens = 65536;                // of all texts of a request together
  bool auto_truncate =
      true;  // texts over the model's length are cut unless a request says otherwise
  // One JSON object for each request, without a line end; from any thread. Unset: no log.
  std::function<void(std::string_view)> log;
};

}  // namespace sapwood::serve
