// The layers of a head before its last product: dense and activation, and behind them a norm where the family has one.
#pragma once

#include "architecture/head.h"
#include "graph/builder.h"
#include "weights/table.h"

namespace sapwood {

// Nothing for a family whose head has no such layers. `prefix` as in Head::tensors.
void transform_tensors(Table& table, const ModelConfig& config, const HeadClass& names,
                       const std::string& prefix);

// [rows of x, head_width], or x itself.
ValueId transform(GraphBuilder& build, ValueId x);

// The columns of what transform() returns.
int transformed_width(const ModelConfig& config);

}  // namespace sapwood
