#include "schedule/queue.h"

#include <algorithm>
#include <numeric>

namespace sapwood::schedule {
namespace {

int tokens_of(const Run& run) {
  int tokens = 0;
  for (const Unit& unit : run.units) tokens += unit.tokens;
  return tokens;
}

}  // namespace

Time Queue::time(double seconds) {
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(std::min(seconds, 1e8)));
}

double Queue::under_way(Time now) const {
  double work = 0;
  for (const auto& [id, run] : runs_) {
    const auto model = models_.find(run.model);
    if (model == models_.end()) continue;
    const double all =
        model->second.cost.seconds(static_cast<double>(run.units.size()), tokens_of(run));
    work += std::max(0.0, all - seconds(now - run.begin) * run.threads);
  }
  return work;
}

double Queue::queued() const {
  double work = 0;
  for (const auto& [id, model] : models_) {
    work += model.cost.seconds(static_cast<double>(model.queued_units),
                               static_cast<double>(model.queued_tokens));
  }
  return work;
}

Time Queue::wait(Time now) const { return time((under_way(now) + queued()) / settings_.workers); }

Verdict Queue::admit(Time now, ModelId model, std::size_t units, std::int64_t tokens,
                     std::optional<Time> deadline) const {
  // Nothing is waited for by who has nothing to compute.
  double before = under_way(now) + (units > 0 ? queued() : 0);
  // What is longer than this request is not waited for as a whole.
  for (const RequestId id : lists_) {
    const Request& request = requests_.at(id);
    const std::size_t left = request.tokens.size() - request.next;
    if (units == 0 || left <= units) continue;
    const double part = static_cast<double>(left - units) / static_cast<double>(left);
    before -= part * cost_left(request);
  }
  Verdict verdict;
  verdict.wait = time(std::max(0.0, before) / settings_.workers);
  if (deadline && *deadline <= now) return verdict;
  if (idle()) {
    verdict.accepted = true;
    return verdict;
  }
  const auto known = models_.find(model);
  const CostModel cost = known == models_.end() ? CostModel() : known->second.cost;
  const double own = cost.seconds(static_cast<double>(units), static_cast<double>(tokens));
  // A single text is computed by one worker, a list by all.
  const double workers = static_cast<double>(
      std::min<std::size_t>(units, static_cast<std::size_t>(settings_.workers)));
  verdict.accepted =
      verdict.wait <= settings_.max_wait &&
      (!deadline || now + verdict.wait + time(own / std::max(1.0, workers)) <= *deadline);
  return verdict;
}

void Queue::add(RequestId id, ModelId model, std::span<const int> tokens,
                std::optional<Time> deadline) {
  // All that may fail.
  Model& queue = models_[model];
  std::map<RequestId, Request> requests;
  Request& request = requests[id];
  request.model = model;
  request.tokens.assign(tokens.begin(), tokens.end());
  request.left = tokens.size();
  request.deadline = deadline;
  request.queued_tokens = std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0});
  std::set<std::pair<Time, RequestId>> deadlines;
  if (deadline) {
    request.latest_start = latest_start(request);
    deadlines.emplace(request.latest_start, id);
  }
  std::set<RequestId> lists;
  if (tokens.size() > 1) lists.insert(id);
  std::list<RequestId> turn{id};
  std::list<ModelId> model_turn{model};

  queue.turns.splice(queue.turns.end(), turn);
  queue.queued_tokens += request.queued_tokens;
  queue.queued_units += tokens.size();
  queued_units_ += tokens.size();
  if (!queue.in_turn) {
    queue.in_turn = true;
    turns_.splice(turns_.end(), model_turn);
  }
  requests_.merge(requests);
  deadlines_.merge(deadlines);
  lists_.merge(lists);
}

double Queue::cost_left(const Request& request) const {
  return models_.at(request.model)
      .cost.seconds(static_cast<double>(request.tokens.size() - request.next),
                    static_cast<double>(request.queued_tokens));
}

// The moment after which the rest of a request is late though all workers computed it.
Time Queue::latest_start(const Request& request) const {
  const auto left =
      static_cast<double>(std::max<std::size_t>(1, request.tokens.size() - request.next));
  return *request.deadline -
         time(cost_left(request) / std::min(left, static_cast<double>(settings_.workers)));
}

void Queue::erase(std::map<RequestId, Request>::iterator at) noexcept {
  const Request& request = at->second;
  Model& model = models_.at(request.model);
  const std::size_t units = request.tokens.size() - request.next;
  model.queued_tokens -= request.queued_tokens;
  model.queued_units -= units;
  queued_units_ -= units;
  if (request.deadline) deadlines_.erase({request.latest_start, at->first});
  lists_.erase(at->first);
  requests_.erase(at);
}

bool Queue::remove(RequestId request) noexcept {
  const auto at = requests_.find(request);
  if (at == requests_.end()) return false;
  erase(at);
  return true;
}

std::optional<RequestId> Queue::take_late(Time now) noexcept {
  const bool alone = runs_.empty() && requests_.size() == 1;
  while (!deadlines_.empty() && deadlines_.begin()->first < now) {
    auto entry = deadlines_.extract(deadlines_.begin());
    const auto at = requests_.find(entry.value().second);
    Request& request = at->second;
    // What has been handed out is computed to its end.
    if (request.next == request.tokens.size()) continue;
    // What it costs may be known better by now.
    const Time start = alone ? *request.deadline : latest_start(request);
    if (start >= now) {
      request.latest_start = entry.value().first = start;
      deadlines_.insert(std::move(entry));
      continue;
    }
    const RequestId id = at->first;
    erase(at);
    return id;
  }
  return std::nullopt;
}

std::optional<Time> Queue::next_late() const noexcept {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first + Time(1);
}

// Forgets the turns of requests that are gone or handed out.
bool Queue::has_units(Model& model) noexcept {
  while (!model.turns.empty()) {
    const auto at = requests_.find(model.turns.front());
    if (at != requests_.end() && at->second.next < at->second.tokens.size()) return true;
    model.turns.pop_front();
  }
  return false;
}

Unit Queue::take_unit(Model& model) noexcept {
  const RequestId id = model.turns.front();
  Request& request = requests_.at(id);
  const std::size_t index = request.next++;
  const int tokens = request.tokens[index];
  request.queued_tokens -= tokens;
  model.queued_tokens -= tokens;
  --model.queued_units;
  --queued_units_;
  if (request.tokens.size() - request.next == 1) lists_.erase(id);
  if (request.next < request.tokens.size()) {
    model.turns.splice(model.turns.end(), model.turns, model.turns.begin());
  } else {
    model.turns.pop_front();
  }
  return {id, index, tokens};
}

const Run* Queue::next(Time now) {
  // A worker that joined another's run leaves it for a run of its own.
  const int free = settings_.workers - static_cast<int>(runs_.size());
  if (free < 1) return nullptr;
  while (!turns_.empty()) {
    Model& model = models_.at(turns_.front());
    if (!has_units(model)) {
      model.in_turn = false;
      turns_.pop_front();
      continue;
    }
    // All that may fail. A unit has a token at least.
    const std::size_t most =
        std::min(model.queued_units, static_cast<std::size_t>(std::max(settings_.batch_tokens, 1)));
    std::map<RunId, Run> runs;
    Run& run = runs[last_id_ + 1];
    run.units.reserve(most);
    run.complete.reserve(most);

    run.id = ++last_id_;
    run.model = turns_.front();
    run.begin = now;
    run.units.push_back(take_unit(model));
    int tokens = run.units.front().tokens;
    const auto next_tokens = [&] {
      const Request& request = requests_.at(model.turns.front());
      return request.tokens[request.next];
    };
    while (run.units.size() < most && has_units(model) &&
           tokens + next_tokens() <= settings_.batch_tokens) {
      run.units.push_back(take_unit(model));
      tokens += run.units.back().tokens;
    }
    if (has_units(model)) {
      turns_.splice(turns_.end(), turns_, turns_.begin());
    } else {
      model.in_turn = false;
      turns_.pop_front();
    }
    if (queued_units_ == 0) run.threads = std::clamp(tokens / settings_.tokens_a_thread, 1, free);
    runs_.merge(runs);
    return &run;
  }
  return nullptr;
}

std::vector<RequestId> Queue::finish(RunId id, Time now, bool computed) noexcept {
  const auto at = runs_.find(id);
  Run& run = at->second;
  const auto model = models_.find(run.model);
  if (computed && model != models_.end()) {
    // Workers that joined may have left early, so that this may be too much, but is never far too little.
    model->second.cost.observe(static_cast<double>(run.units.size()), tokens_of(run),
                               seconds(now - run.begin) * run.threads);
  }
  std::vector<RequestId> complete = std::move(run.complete);
  for (const Unit& unit : run.units) {
    const auto request = requests_.find(unit.request);
    if (request == requests_.end() || --request->second.left > 0) continue;
    complete.push_back(unit.request);
    erase(request);
  }
  runs_.erase(at);
  return complete;
}

void Queue::observe(ModelId model, std::size_t units, std::int64_t tokens, Time needed) {
  models_[model].cost.observe(static_cast<double>(units), static_cast<double>(tokens),
                              seconds(needed));
}

std::vector<RequestId> Queue::forget(ModelId model) {
  std::vector<RequestId> gone;
  for (const auto& [id, request] : requests_) {
    if (request.model == model) gone.push_back(id);
  }
  for (const RequestId id : gone) erase(requests_.find(id));
  turns_.remove(model);
  models_.erase(model);
  return gone;
}

}  // namespace sapwood::schedule
