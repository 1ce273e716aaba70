// What a model is: the plain facts that config.json and its companions state, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sapwood/export.h"
#include "sapwood/names.h"

namespace sapwood {

// The function between the two products of a dense feedforward block, or of a head.
enum class Activation : std::uint8_t { none, gelu, gelu_tanh, relu, tanh };

enum class FeedForwardKind : std::uint8_t {
  dense,  // out(act(in(x)))
  glu,    // out(gelu(a) * b) with [a | b] = in(x)
  fff,    // fast feedforward: trees walked by conditional matrix multiplication (arXiv 2311.10770)
};

struct FeedForwardConfig {
  FeedForwardKind kind = FeedForwardKind::dense;
  int width = 0;  // dense and glu: outputs of the first product (glu: both halves together)
  Activation activation = Activation::gelu;
  bool bias = true;
  int trees = 0;        // fff: trees whose outputs are summed
  int dense_width = 0;  // fff: neurons that are always active beside the trees
  int depth = 0;  // fff: decisions on a path; a path visits depth + 1 of 2^(depth+1) - 1 nodes
};

enum class PositionKind : std::uint8_t { none, learned, sinusoidal, scaled_sinusoidal };

enum class HeadKind : std::uint8_t {
  none,  // a bare encoder
  masked_lm,
  sequence_classification,
  token_classification,
  question_answering,
  replaced_token_detection,
};

enum class ProblemType : std::uint8_t { single_label, multi_label, regression };

enum class PoolingMode : std::uint8_t {
  mean,
  cls,
  max,
  none,  // one vector a token
};

// How sentence-transformers directories turn hidden states into one vector.
struct SentenceConfig {
  PoolingMode pooling = PoolingMode::mean;
  bool normalize = false;             // a Normalize module follows the pooling
  std::optional<int> max_seq_length;  // sentence_bert_config.json
};

// Static embeddings: a text's vector is the mean of its tokens' rows. Special tokens take no part, and a text without
// tokens gets the table's last row, which is zeros.
struct StaticEmbeddingConfig {
  bool drop_unknown = false;  // nor do tokens for unknown text
  bool cut_characters =
      false;  // of a text no more is read than max_length tokens of the median length have
};

struct ModelConfig {
  std::string
      architecture;  // the family, by its model_type: "distilbert", "bert", "electra", "crammedBERT"
  int vocab_size = 0;
  int hidden = 0;
  int embedding_size = 0;  // of a token's row in the tables; projected where it is not `hidden`
  int layers = 0;
  int heads = 0;
  int head_dim() const { return hidden / heads; }
  int max_positions = 0;
  int type_vocab = 0;  // 0: no token type embeddings
  PositionKind positions = PositionKind::learned;
  bool embedding_norm = true;
  bool final_norm = false;     // a norm after the last layer (pre-norm architectures)
  bool attention_bias = true;  // bias of the fused query, key and value product
  bool projection_bias =
      true;  // bias of the attention's output product (crammedBERT: of every product but query, key and value)
  float norm_eps = 1e-12f;
  FeedForwardConfig feed_forward;

  HeadKind head = HeadKind::none;
  // Of a model without head whose config.json names one: which, and what is missing of it, as a clause ("the checkpoint has no
  // tensor 'classifier.weight'").
  HeadKind missing_head = HeadKind::none;
  std::string missing_head_reason;
  ProblemType problem = ProblemType::single_label;
  std::vector<std::string> labels;  // by id; the head's rows decide how many there are
  Activation head_activation = Activation::none;
  PoolingMode head_pooling = PoolingMode::cls;  // what a sequence classifier reads
  int head_width = 0;                           // outputs of the dense layer before the last
  bool head_transform = true;  // masked_lm: dense, activation and norm before the decoder
  bool decoder_bias = true;    // masked_lm
  bool tied_decoder = true;    // masked_lm: the decoder is the word embedding

  std::optional<SentenceConfig> sentence;
  std::optional<StaticEmbeddingConfig> static_embedding;
};

// Their names are those that config.json and `inspect` use: "gelu", "masked_lm", "mean", ...
SAPWOOD_API EnumNames names_of(Activation) noexcept;
SAPWOOD_API EnumNames names_of(FeedForwardKind) noexcept;
SAPWOOD_API EnumNames names_of(PositionKind) noexcept;
SAPWOOD_API EnumNames names_of(HeadKind) noexcept;
SAPWOOD_API EnumNames names_of(ProblemType) noexcept;
SAPWOOD_API EnumNames names_of(PoolingMode) noexcept;

}  // namespace sapwood
