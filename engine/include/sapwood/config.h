// What a model is: the plain facts that config.json and its companions state, checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sapwood/export.h"
#include "sapwood/names.h"

namespace sapwood {

// The function between the two products of a dense feedforward block, or of a head.
enum class Activation : std::uint8_t {
  none,
  gelu,
  gelu_tanh,
  relu,
  tanh,
  silu,        // x sigmoid(x)
  quick_gelu,  // x sigmoid(1.702 x)
  gelu_10,     // gelu, at most 10
};

enum class FeedForwardKind : std::uint8_t {
  dense,  // out(act(in(x)))
  glu,    // out(act(a) * b) with [a | b] = in(x)
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

enum class PositionKind : std::uint8_t {
  none,
  learned,
  sinusoidal,
  scaled_sinusoidal,
  rotary,  // queries and keys are turned by angles that grow with the position (arXiv 2104.09864)
};

enum class HeadKind : std::uint8_t {
  none,  // a bare encoder
  masked_lm,
  sequence_classification,
  token_classification,
  question_answering,
  replaced_token_detection,
};

enum class ProblemType : std::uint8_t { single_label, multi_label, regression };

// From the vectors of a text's tokens to one.
enum class PoolingMode : std::uint8_t {
  mean,
  cls,
  max,
  none,           // one vector a token
  mean_sqrt_len,  // the sum divided by the root of the number of tokens
  weighted_mean,  // the first token counts once, the second twice, ...
  last_token,
};

// How two vectors are compared: more is nearer, so that distances are negative.
enum class Similarity : std::uint8_t { cosine, dot, euclidean, manhattan };

// What a cross-encoder makes of its logit.
enum class PairScore : std::uint8_t { sigmoid, raw };

enum class VectorModuleKind : std::uint8_t { normalize, dense };

// A module of sentence-transformers that makes another vector of a vector.
struct VectorModule {
  VectorModuleKind kind = VectorModuleKind::normalize;
  // Of a dense one: activation(x w + bias), and x (or a product of it) added where there is a residual.
  std::string path;  // its folder, "2_Dense"
  int in = 0, out = 0;
  bool bias = true;
  Activation activation = Activation::tanh;
  bool residual = false;
};

// Which of a model's two ways a text takes, where it has two.
enum class Route : std::uint8_t { query, document };

// How a masked-LM head's logits become one sparse vector over the vocabulary (SPLADE): the sum or the largest of
// log(1 + relu(logit)) over the tokens.
struct SparseConfig {
  bool sum = false;                    // the largest where it is false
  bool log_twice = false;              // log(1 + log(1 + relu(logit))) instead
  std::optional<int> max_active_dims;  // numbers that are kept, the largest
  // Of a model that has a weight for each token of a query instead (a Router with a SparseStaticEmbedding): the module's
  // folder; "" where queries go the way of documents.
  std::string query_path;
  Route default_route = Route::document;
};

// What a sentence-transformers directory says about vectors. src/config/README.md has every key.
struct SentenceConfig {
  std::vector<PoolingMode> poolings = {PoolingMode::mean};  // one vector after the other
  bool include_prompt = true;  // false: the tokens of the prompt are not pooled
  // What follows the pooling, but for a Normalize module at the end, which is `normalize`.
  std::vector<VectorModule> modules;
  bool normalize = false;
  std::optional<SparseConfig> sparse;  // it makes sparse vectors, and no others
  // What is done to each token's vector where there is no pooling (late interaction, ColBERT).
  std::vector<VectorModule> token_modules;
  bool lower_case = false;            // texts are lower-cased before the tokenizer gets them
  std::optional<int> max_seq_length;  // sentence_bert_config.json
  std::optional<int> truncate_dim;    // numbers that are kept of a vector
  std::map<std::string, std::string> prompts;  // by name, what stands before a text
  std::string default_prompt_name;             // "": none
  Similarity similarity = Similarity::cosine;
  std::optional<PairScore> pair_score;  // of a cross-encoder, where these files name it
  // Why vectors cannot be made as the directory has it, as a sentence; "" where they can. Only
  // tasks that make them miss it.
  std::string unsupported;
};

// Static embeddings: a text's vector is the mean of its tokens' rows. Special tokens take no part, and a text without
// tokens gets the table's last row, which is zeros.
struct StaticEmbeddingConfig {
  bool drop_unknown = false;  // nor do tokens for unknown text
  bool cut_characters =
      false;  // of a text no more is read than max_length tokens of the median length have
};

struct ModelConfig {
  std::string architecture;  // the family, by its model_type: "distilbert", "bert", "roberta", ...
  int vocab_size = 0;
  int hidden = 0;
  int embedding_size = 0;  // of a token's row in the tables; projected where it is not `hidden`
  int layers = 0;
  int heads = 0;
  int head_dim() const { return hidden / heads; }
  int max_positions = 0;  // the most tokens of a text
  // RoBERTa's positions: the n-th token of another id has position n, and each token of this id has position 0. Nothing:
  // positions count every token, from 0.
  std::optional<int> padding_id;
  // 0: no token type embeddings. With fewer than 2 the types of a text's tokens say nothing.
  int type_vocab = 0;
  PositionKind positions = PositionKind::learned;
  double rotary_base = 0;        // rotary: of the frequencies
  double local_rotary_base = 0;  // of layers with local attention
  int relative_buckets =
      0;  // of distances, each with a bias of the attention's scores (MPNet); 0: none
  int local_reach =
      -1;  // how many tokens to either side a local layer's attention sees; -1: no layer is local
  int global_every = 1;  // the layers 0, global_every, 2 global_every, ... see the whole text
  bool is_local(int layer) const { return local_reach >= 0 && layer % global_every != 0; }
  bool embedding_norm = true;
  bool norm_bias = true;       // whether norms shift
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
  // The label that says that the first text of a pair entails the second, by its name: what zero-shot classification reads.
  std::optional<int> entailment;
  PairScore pair_score = PairScore::sigmoid;  // of a cross-encoder, as its files name it
  Activation head_activation = Activation::none;
  PoolingMode head_pooling = PoolingMode::cls;  // what a sequence classifier reads
  int head_width = 0;                           // outputs of the dense layer before the last
  bool head_transform = true;  // masked_lm: dense, activation and norm before the decoder
  bool head_bias = true;       // of the dense layer before the last
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
SAPWOOD_API EnumNames names_of(Similarity) noexcept;
SAPWOOD_API EnumNames names_of(Route) noexcept;
SAPWOOD_API EnumNames names_of(PairScore) noexcept;

}  // namespace sapwood
