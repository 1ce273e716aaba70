// Labels of classifiers.
#pragma once

#include "sapwood/config.h"

namespace sapwood {

// A label for each row of the classifier: those of id2label, or LABEL_0, LABEL_1, ... Throws Error mismatch where
// id2label has another number of them, or there is no row.
void resolve_class_labels(ModelConfig& config, int rows);

}  // namespace sapwood
