// One request on its way through the application.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app_options.h"
#include "base/json.h"
#include "http.h"
#include "metrics.h"
#include "models.h"
#include "problem.h"
#include "sapwood/scheduler.h"

namespace sapwood::serve {

using Clock = std::chrono::steady_clock;

struct Route;

// Whether the client has left, and what is to be taken back then.
class Departure {
 public:
  // Cancels the ticket that there is, or the one that comes.
  void leave();
  void set(const Scheduler::Ticket& ticket);
  // The answer is being made: to take it back would only mean to wait for it, on the thread that all clients share.
  void close();
  bool left() const;

 private:
  mutable std::mutex mutex_;
  bool left_ = false, closed_ = false;
  std::optional<Scheduler::Ticket> ticket_;
};

// What a route makes of a request: jobs to be run, and how their answers become the response.
struct Plan {
  std::vector<std::shared_ptr<TaskJob>> jobs;  // none: nothing has to be computed
  std::function<HttpResponse()> render;        // when all jobs have their rows; on any thread
  std::size_t items = 0;                       // texts, or pairs of them
  std::int64_t tokens = 0;
  std::int64_t characters = 0;
  bool list = false;  // more than one text could have been asked for
};

// Texts of the body are viewed, not copied: it stays as long as the call.
struct Call {
  Call(const AppOptions& app_options, std::shared_ptr<Exchange> exchange_)
      : options(app_options), exchange(std::move(exchange_)) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const HttpRequest& request() const { return exchange->request(); }
  // The object that the route reads.
  JsonValue root() const { return instance ? *instance : body->root(); }

  const AppOptions& options;
  const Metrics* metrics = nullptr;
  const Scheduler* scheduler = nullptr;
  std::shared_ptr<Exchange> exchange;
  std::shared_ptr<const ModelSet> models;
  ServedModelPtr model;  // that the path names, else the default one; a body may name another
  const Route* route = nullptr;
  bool draining = false;
  std::string id, trace_id;
  Deadline deadline;
  std::shared_ptr<Departure> departure = std::make_shared<Departure>();

  std::atomic<bool> answered = false;

  std::optional<JsonDocument> body;
  std::optional<JsonValue>
      instance;              // of a body that holds several requests, the one being planned
  std::string_view tensors;  // what follows the JSON of a binary body
  Plan plan;

  std::chrono::nanoseconds handed_over{};  // waiting for the thread that tokenises
  std::chrono::nanoseconds tokenizing{};
  std::chrono::nanoseconds queued{};
  std::chrono::nanoseconds computed{};
  std::chrono::nanoseconds processor{};  // of all threads that computed it
};

}  // namespace sapwood::serve
