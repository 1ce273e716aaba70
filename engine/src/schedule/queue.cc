#include "schedule/queue.h"

#include <algorithm>
#include <numeric>

namespace sapwood::schedule {

Time Queue::time(double seconds) {
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(std::min(seconds, 1e8)));
}

Time Queue::wait(Time now) const {
  double work = 0;
  for (const auto& [id, model] : models_) {
    work += model.cost.seconds(static_cast<double>(model.queued_units),
                               static_cast<double>(model.queued_tokens));
  }
  for (const auto& [id, under_way] : runs_) {
    const auto tokens = [](int sum, const Unit& unit) { return sum + unit.tokens; };
    const std::vector<Unit>& units = under_way.run.units;
    const auto model = models_.find(under_way.run.model);
    if (model == models_.end()) continue;
    const double all = model->second.cost.seconds(
        static_cast<double>(units.size()), std::accumulate(units.begin(), units.end(), 0, tokens));
    work += std::max(0.0, all - seconds(now - under_way.begin) * under_way.run.threads);
  }
  return time(work / settings_.workers);
}

Verdict Queue::admit(Time now, ModelId model, std::size_t units, std::int64_t tokens,
                     std::optional<Time> deadline) const {
  Verdict verdict;
  verdict.wait = wait(now);
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

RequestId Queue::add(Time, ModelId model, std::span<const int> tokens,
                     std::optional<Time> deadline) {
  const RequestId id = ++last_id_;
  Request request{.model = model, .tokens = {tokens.begin(), tokens.end()}};
  request.left = tokens.size();
  request.deadline = deadline;
  request.queued_tokens = std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0});
  Model& queue = models_[model];
  queue.turns.push_back(id);
  queue.queued_tokens += request.queued_tokens;
  queue.queued_units += tokens.size();
  queued_units_ += tokens.size();
  if (!queue.in_turn) {
    queue.in_turn = true;
    turns_.push_back(model);
  }
  const auto entry = requests_.emplace(id, std::move(request)).first;
  if (deadline) {
    entry->second.latest_start = latest_start(entry->second);
    deadlines_.emplace(entry->second.latest_start, id);
  }
  return id;
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

void Queue::erase(std::map<RequestId, Request>::iterator at) {
  const Request& request = at->second;
  Model& model = models_.at(request.model);
  const std::size_t units = request.tokens.size() - request.next;
  model.queued_tokens -= request.queued_tokens;
  model.queued_units -= units;
  queued_units_ -= units;
  if (request.deadline) deadlines_.erase({request.latest_start, at->first});
  requests_.erase(at);
}

bool Queue::remove(RequestId request) {
  const auto at = requests_.find(request);
  if (at == requests_.end()) return false;
  erase(at);
  return true;
}

std::vector<RequestId> Queue::take_late(Time now) {
  std::vector<RequestId> late;
  while (!deadlines_.empty() && deadlines_.begin()->first < now) {
    const RequestId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const auto at = requests_.find(id);
    // What has been handed out is computed to its end; what it cost may be known better by now.
    if (at->second.next == at->second.tokens.size()) continue;
    at->second.latest_start = latest_start(at->second);
    if (at->second.latest_start >= now) {
      deadlines_.emplace(at->second.latest_start, id);
      continue;
    }
    late.push_back(id);
    erase(at);
  }
  return late;
}

// Forgets the turns of requests that are gone or handed out.
bool Queue::has_units(Model& model) {
  while (!model.turns.empty()) {
    const auto at = requests_.find(model.turns.front());
    if (at != requests_.end() && at->second.next < at->second.tokens.size()) return true;
    model.turns.pop_front();
  }
  return false;
}

Unit Queue::take_unit(Model& model) {
  const RequestId id = model.turns.front();
  model.turns.pop_front();
  Request& request = requests_.at(id);
  const std::size_t index = request.next++;
  const int tokens = request.tokens[index];
  request.queued_tokens -= tokens;
  model.queued_tokens -= tokens;
  --model.queued_units;
  --queued_units_;
  if (request.next < request.tokens.size()) model.turns.push_back(id);
  return {id, index, tokens};
}

std::optional<Run> Queue::next(Time now) {
  // A worker that joined another's run leaves it for a run of its own.
  const int free = settings_.workers - static_cast<int>(runs_.size());
  if (free < 1) return std::nullopt;
  while (!turns_.empty()) {
    const ModelId id = turns_.front();
    turns_.pop_front();
    Model& model = models_.at(id);
    model.in_turn = false;
    if (!has_units(model)) continue;
    Run run{.id = ++last_id_, .model = id, .units = {take_unit(model)}, .threads = 1};
    int tokens = run.units.front().tokens;
    const auto next_tokens = [&] {
      const Request& request = requests_.at(model.turns.front());
      return request.tokens[request.next];
    };
    while (has_units(model) && tokens + next_tokens() <= settings_.batch_tokens) {
      run.units.push_back(take_unit(model));
      tokens += run.units.back().tokens;
    }
    if (has_units(model)) {
      model.in_turn = true;
      turns_.push_back(id);
    }
    if (queued_units_ == 0) {
      run.threads = std::clamp(tokens / settings_.tokens_a_thread, 1, free);
    }
    runs_.emplace(run.id, UnderWay{run, now});
    return run;
  }
  return std::nullopt;
}

std::vector<RequestId> Queue::finish(RunId id, Time now, bool computed) {
  const auto at = runs_.find(id);
  const Run& run = at->second.run;
  // How many workers joined, and for how long, is not known.
  const auto model = models_.find(run.model);
  if (computed && run.threads == 1 && model != models_.end()) {
    int tokens = 0;
    for (const Unit& unit : run.units) tokens += unit.tokens;
    model->second.cost.observe(static_cast<double>(run.units.size()), tokens,
                               seconds(now - at->second.begin));
  }
  std::vector<RequestId> complete;
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
  std::erase(turns_, model);
  models_.erase(model);
  return gone;
}

}  // namespace sapwood::schedule
