// The names of the tasks' enumerations.
#include "sapwood/tasks.h"

namespace sapwood {

EnumNames names_of(ScoreFunction) noexcept {
  static constexpr NamedValue kNames[] = {{"softmax", ScoreFunction::softmax},
                                          {"sigmoid", ScoreFunction::sigmoid},
                                          {"none", ScoreFunction::none}};
  return {"score function", kNames};
}

EnumNames names_of(Aggregation) noexcept {
  static constexpr NamedValue kNames[] = {{"none", Aggregation::none},
                                          {"simple", Aggregation::simple},
                                          {"first", Aggregation::first},
                                          {"average", Aggregation::average},
                                          {"max", Aggregation::max}};
  return {"aggregation", kNames};
}

}  // namespace sapwood
