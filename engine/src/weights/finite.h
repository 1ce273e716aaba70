// Weights that are no numbers: int8 has neither NaN nor infinity.
#pragma once

#include <vector>

#include "checkpoint/tensor_source.h"
#include "weights/weight_table.h"

namespace sapwood {

// Whether no element is a NaN or an infinity. The tensor is of a floating type.
bool all_finite(const TensorView& tensor);

// The first tensor of these names, or null where there is none.
const TensorView* find_any(const TensorSource& source, const std::vector<std::string>& names);

// Makes bf16, which has NaN and infinity, the type of every int8 product, table and tree of `table`
// that is made from a tensor with one, by an exception in `types`. True where that changed a type.
// Every tensor of the table is there.
bool widen_not_finite(const TensorSource& source, const std::vector<PackedSpec>& table,
                      WeightTypes& types);

}  // namespace sapwood
