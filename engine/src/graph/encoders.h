// The two kinds of encoder that models have. Both return the last hidden state, [tokens, hidden].
#pragma once

#include "graph/builder.h"

namespace sapwood {

// x = norm(x + attention(x)); x = norm(x + feedforward(x)) (Vaswani et al., section 3.1; BERT).
ValueId post_norm_encoder(GraphBuilder& build);

// x = x + attention(norm(x)); x = x + feedforward(norm(x)); ModelConfig::final_norm: a norm after the last layer.
ValueId pre_norm_encoder(GraphBuilder& build);
// The same of a model that norms its embeddings, whose first attention reads them as they are (ModernBERT).
ValueId normed_pre_norm_encoder(GraphBuilder& build);

}  // namespace sapwood
