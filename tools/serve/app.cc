#include "app.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "call.h"
#include "door.h"
#include "encode_thread.h"
#include "fields.h"
#include "kserve_tensors.h"
#include "request_log.h"
#include "routes.h"
#include "timings.h"

namespace sapwood::serve {
namespace {

using std::chrono::nanoseconds;

// Bodies up to this size are read and tokenised by the thread that brings them: that takes at most 0.05 ms, and 0.2 ms
// where every token is written, too (/tokenize).
constexpr std::size_t kShortBody = 4096;
// Bytes of longer bodies that may wait for the other thread.
constexpr std::size_t kMostWaiting = std::size_t{64} << 20;
constexpr nanoseconds kTokenizingRetry = std::chrono::milliseconds(500);
constexpr std::uint64_t kBytesPerToken = 4;  // of English JSON, about
constexpr std::uint64_t kTokensPerText = 64;

void require_at_least(std::int64_t value, std::int64_t least, const char* name) {
  if (value >= least) return;
  throw Error(ErrorCode::invalid_argument, std::string(name) + ": expected at least " +
                                               std::to_string(least) + ", found " +
                                               std::to_string(value));
}

AppOptions checked(AppOptions options) {
  require_at_least(options.max_wait.count(), 0, "max_wait");
  require_at_least(options.request_timeout.count(), 0, "request_timeout");
  require_at_least(options.max_client_batch_size, 1, "max_client_batch_size");
  require_at_least(options.max_request_tokens, 1, "max_request_tokens");
  return options;
}

LoadOptions load_options(const AppOptions& options, const Threads& team) {
  LoadOptions load = options.load;
  load.team = team;
  load.threads = 0;
  return load;
}

class ModelApp final : public Application {
 public:
  explicit ModelApp(AppOptions options)
      : options_(checked(std::move(options))),
        team_(options_.threads),
        scheduler_(
            {.team = team_, .batch_tokens = options_.batch_tokens, .max_wait = options_.max_wait}),
        models_(load_models(options_, load_options(options_, team_), scheduler_)),
        encoding_(kMostWaiting) {}

  // Requests under way may hold the last of a model, which the scheduler forgets then.
  ~ModelApp() override { scheduler_.stop(); }

  std::optional<HttpResponse> refuse(const HttpRequest& head,
                                     std::optional<std::uint64_t> length) override {
    try {
      const auto set = models();
      const Entrance entrance = enter(head, *set, options_);
      if (length && *length > max_body(head)) {
        throw ApiError(Problem::too_large, "the body of this request may have " +
                                               std::to_string(max_body(head)) + " bytes, and " +
                                               std::to_string(*length) + " are announced");
      }
      if (entrance.route->traits.computes) admit(entrance, length.value_or(0));
      return std::nullopt;
    } catch (...) {
      return refused(head, current_error());
    }
  }

  std::uint64_t max_body(const HttpRequest& head) const override {
    return head.method == "POST" ? options_.payload_limit : 0;
  }

  void handle(std::shared_ptr<Exchange> exchange) override {
    auto call = std::make_shared<Call>(options_, std::move(exchange));
    call->metrics = &metrics_;
    call->scheduler = &scheduler_;
    call->models = models();
    call->draining = draining_.load();
    call->id = request_id(call->request());
    call->trace_id = trace_id(call->request());
    try {
      Entrance entrance = enter(call->request(), *call->models, options_);
      call->route = entrance.route;
      call->model = std::move(entrance.model);
      call->deadline = entrance.deadline;
    } catch (...) {
      return end(*call, current_error());
    }
    if (call->route->method == "POST") {
      call->exchange->on_left([this, departure = call->departure] {
        metrics_.left();
        departure->leave();
      });
    }
    if (call->request().body.size() <= kShortBody) return begin(call);
    const auto handed_over = Clock::now();
    const bool taken = encoding_.post(call->request().body.size(), [this, call, handed_over] {
      call->queued = Clock::now() - handed_over;
      begin(call);
    });
    if (taken) return;
    metrics_.refused("tokenizing");
    end(*call, ApiError(Problem::overloaded, "too many long requests are waiting: come again later",
                        kTokenizingRetry));
  }

  HttpResponse error(const HttpRequest& head, int status, std::string_view message) const override {
    HttpResponse response = error_response(family_of(head.path), status, message);
    count_refusal(head, response, label_of_status(status));
    return response;
  }

  void drain() override { draining_ = true; }

  std::vector<Reloaded> reload() override {
    const std::lock_guard reloading(reload_mutex_);
    const auto old = models();
    auto set = std::make_shared<ModelSet>();
    std::vector<Reloaded> report;
    for (const ServedModelPtr& each : old->models) {
      report.push_back({each->name(), ""});
      try {
        set->models.push_back(std::make_shared<const ServedModel>(
            each->source, load_options(options_, team_), scheduler_));
      } catch (...) {
        set->models.push_back(each);
        report.back().error = current_error().what();
      }
      metrics_.reloaded(report.back().error.empty());
    }
    const std::lock_guard lock(models_mutex_);
    models_ = std::move(set);
    return report;
  }

 private:
  std::shared_ptr<const ModelSet> models() const {
    const std::lock_guard lock(models_mutex_);
    return models_;
  }

  // Throws ApiError overloaded where a request of so many bytes would wait too long.
  void admit(const Entrance& entrance, std::uint64_t bytes) {
    const std::uint64_t tokens = std::min<std::uint64_t>(
        bytes / kBytesPerToken, static_cast<std::uint64_t>(options_.max_request_tokens));
    const std::uint64_t texts = std::clamp<std::uint64_t>(
        tokens / kTokensPerText, 1, static_cast<std::uint64_t>(options_.max_client_batch_size));
    const Admission admission =
        scheduler_.admit(entrance.model->model, static_cast<std::size_t>(texts),
                         static_cast<std::int64_t>(tokens), entrance.deadline);
    if (admission.accepted) return;
    turn_away(admission);
  }

  [[noreturn]] void turn_away(const Admission& admission) {
    const Error refusal = Scheduler::refusal(admission);
    // A deadline that has passed, or the end: to come again is of no use.
    if (admission.refusal != Admission::Refusal::overloaded) throw api_error(refusal);
    metrics_.refused(admission.wait > options_.max_wait ? "overloaded" : "deadline");
    throw ApiError(Problem::overloaded, refusal.what(), admission.wait);
  }

  HttpResponse refused(const HttpRequest& head, const ApiError& error) {
    HttpResponse response = error_response(family_of(head.path), error);
    if (error.problem() == Problem::overloaded || error.problem() == Problem::late) {
      metrics_.ended({.problem = error.problem()});
    }
    count_refusal(head, response, label_of(error.problem()));
    return response;
  }

  // Of a request that does not become a call.
  void count_refusal(const HttpRequest& head, HttpResponse& response,
                     std::string_view label) const {
    const std::string id = request_id(head);
    response.headers.emplace_back("x-request-id", id);
    metrics_.answered(response.status);
    if (options_.log) options_.log(log_line(head, id, response.status, label));
  }

  // Reads, tokenises and submits a request, or answers it at once.
  void begin(const std::shared_ptr<Call>& call) noexcept {
    answering(*call, [&] {
      if (call->departure->left()) throw ApiError(Problem::left, "the client left");
      const auto start = Clock::now();
      // It may have waited for the thread that reads long bodies.
      if (call->deadline && *call->deadline <= start) {
        throw ApiError(Problem::late, "the request's deadline has passed");
      }
      if (call->route->method == "POST") call->body = read_json(take_json(*call));
      call->route->plan(*call);
      call->tokenizing = Clock::now() - start;
      if (call->plan.jobs.empty()) return end(*call, call->plan.render());
      submit(call);
    });
  }

  // Runs what answers the call, or will. What it throws is the answer; where there is no memory even for that, the
  // answer is a bare 503.
  template <class Answer>
  void answering(Call& call, const Answer& answer) noexcept {
    try {
      try {
        answer();
      } catch (...) {
        end(call, current_error());
      }
    } catch (...) {
      if (!call.answered.exchange(true)) call.exchange->respond({.status = 503});
    }
  }

  void submit(const std::shared_ptr<Call>& call) {
    // The call is let go inside `done`: with it may go the last hold of a model, which the scheduler must then forget.
    const auto done = [this, held = call](const Completion& completion) mutable {
      const std::shared_ptr<Call> own = std::move(held);
      finish(*own, completion);
    };
    const auto [admission, ticket] = scheduler_.submit({call->plan.jobs, call->deadline, done});
    if (!admission.accepted) turn_away(admission);
    call->departure->set(ticket);
  }

  void finish(Call& call, const Completion& completion) noexcept {
    call.queued += completion.queued;
    call.computed = completion.computed;
    call.processor = completion.processor;
    call.departure->close();
    answering(call, [&] {
      if (call.departure->left()) throw ApiError(Problem::left, "the client left");
      Scheduler::throw_unless_done(completion);
      end(call, call.plan.render());
    });
  }

  void end(Call& call, const ApiError& error) {
    const Family family =
        call.route == nullptr ? family_of(call.request().path) : call.route->family;
    end(call, error_response(family, error), error.problem());
  }

  void end(Call& call, HttpResponse response, std::optional<Problem> problem = std::nullopt) {
    const nanoseconds total = Clock::now() - call.request().arrived;
    response.headers.emplace_back("x-request-id", call.id);
    metrics_.answered(response.status);
    if (call.route != nullptr && call.route->traits.computes) {
      if (!problem) add_timings(call, total, response.headers);
      RequestEnd request_end{.problem = problem,
                             .list = call.plan.list,
                             .embeds = call.model->kind == ModelKind::embedder,
                             .items = call.plan.items,
                             .total = total,
                             .tokenizing = call.tokenizing,
                             .queued = call.queued,
                             .computed = call.computed};
      for (const auto& job : call.plan.jobs) {
        for (const Sequence& window : job->windows()) {
          request_end.lengths.push_back(static_cast<std::int64_t>(window.ids.size()));
        }
      }
      metrics_.ended(request_end);
    }
    if (options_.log) {
      options_.log(log_line(call, response.status, problem ? label_of(*problem) : "", total));
    }
    if (!call.answered.exchange(true)) call.exchange->respond(std::move(response));
  }

  const AppOptions options_;
  const Threads team_;
  mutable Metrics metrics_;
  Scheduler scheduler_;
  mutable std::mutex models_mutex_;
  std::shared_ptr<const ModelSet> models_;  // whose models the scheduler forgets when they go
  std::mutex reload_mutex_;
  std::atomic<bool> draining_ = false;
  EncodeThread encoding_;  // ended first: what waits there is still submitted
};

}  // namespace

std::unique_ptr<Application> make_app(AppOptions options) {
  return std::make_unique<ModelApp>(std::move(options));
}

}  // namespace sapwood::serve
