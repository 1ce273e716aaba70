// What is known of a request by its head alone.
#pragma once

#include <string>

#include "call.h"
#include "routes.h"

namespace sapwood::serve {

// Whether the head brings the key in `Authorization: Bearer KEY`. The time that it takes does not tell how much of a
// wrong key is right.
bool has_key(const HttpRequest& head, std::string_view key);

// Its own x-request-id where that is short and printable, else a new one.
std::string request_id(const HttpRequest& head);
// The trace's id in a W3C traceparent; empty where there is none or where it is malformed.
std::string trace_id(const HttpRequest& head);

// When the answer must be there: by x-request-timeout-ms, else by the configuration. Throws ApiError invalid.
Deadline deadline_of(const HttpRequest& head, const AppOptions& options);

struct Entrance {
  const Route* route = nullptr;
  ServedModelPtr model;  // that the path names, else the default one
  Deadline deadline;
};
// Throws ApiError: unauthorized, unknown_path, unknown_model, wrong_method, invalid.
Entrance enter(const HttpRequest& head, const ModelSet& models, const AppOptions& options);

}  // namespace sapwood::serve
