// The enumerations' names.
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood {

EnumNames names_of(Truncation) noexcept {
  static constexpr NamedValue kNames[] = {{"longest_first", Truncation::longest_first},
                                          {"only_first", Truncation::only_first},
                                          {"only_second", Truncation::only_second},
                                          {"none", Truncation::none}};
  return {"truncation", kNames};
}

EnumNames names_of(Direction) noexcept {
  static constexpr NamedValue kNames[] = {{"right", Direction::right}, {"left", Direction::left}};
  return {"direction", kNames};
}

}  // namespace sapwood
