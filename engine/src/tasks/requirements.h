// What a task needs of its model and its options. All throw Error.
#pragma once

#include <string_view>

#include "sapwood/config.h"
#include "sapwood/model.h"

namespace sapwood::tasks {

// unsupported, saying what the task needs and what this model is, unless it has the head.
void require_head(const Model& model, HeadKind head, std::string_view task);
[[noreturn]] void throw_wrong_model(const Model& model, std::string_view task,
                                    std::string_view needs);

// unsupported: what the model computes is a NaN or an infinity.
[[noreturn]] void throw_not_finite(const Model& model);

// invalid_argument unless value >= least.
void require_at_least(int value, int least, std::string_view name);

}  // namespace sapwood::tasks
