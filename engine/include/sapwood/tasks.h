// Text in, answer out. Every function takes any number of inputs, computes them in packed batches
// and returns one Result for each, in order; an input that cannot be answered carries its Error and
// leaves the others alone. A model without the head that a task needs is Error unsupported, thrown
// at once. Fields, defaults and scores are those of the transformers pipelines; offsets count code
// points.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/export.h"
#include "sapwood/model.h"

namespace sapwood {

// One text, or two for models that read pairs. The caller keeps the characters alive.
struct TextInput {
  std::string_view text;
  std::optional<std::string_view> pair = std::nullopt;
};

// --- classify: transformers' TextClassificationPipeline ------------------------------------------

enum class ScoreFunction : std::uint8_t { softmax, sigmoid, none };
SAPWOOD_API EnumNames names_of(ScoreFunction) noexcept;

struct ClassifyOptions {
  int top_k = 1;  // best labels returned; 0: all
  // Unset: none for regression, sigmoid for multi-label and single outputs, else softmax.
  std::optional<ScoreFunction> function;
  LengthOptions length;
};

struct LabelScore {
  std::string label;
  float score;
  int id = -1;  // of the label: its place in ModelConfig::labels
};

struct Classification {
  std::vector<LabelScore> labels;  // best first
  bool truncated = false;
};

SAPWOOD_API std::vector<Result<Classification>> classify(const Model& model,
                                                         std::span<const TextInput> inputs,
                                                         const ClassifyOptions& options = {});

// --- zero-shot classification: transformers' ZeroShotClassificationPipeline -----------------------

struct ZeroShotOptions {
  std::vector<std::string> labels;  // to choose from; at least one
  // What the model is asked of each label: "{}" is the label (or "{0}", any number of times), "{{" and "}}" are braces.
  std::string hypothesis_template = "This example is {}.";
  // Each label is scored by itself, entailment against contradiction; else the scores of all labels add up to 1.
  bool multi_label = false;
  int top_k = 0;  // best labels returned; 0: all
  // The text is cut, never the hypothesis: where that alone is too long, the text is Error too_long.
  LengthOptions length = {.max_length = {}, .truncation = Truncation::only_first, .direction = {}};
};

// For models trained on natural language inference, one of whose labels is called entailment
// (ModelConfig::entailment). LabelScore::id is the label's place in the options. Throws Error invalid_argument for no
// labels or a template without a place for them.
SAPWOOD_API std::vector<Result<Classification>> zero_shot(const Model& model,
                                                          std::span<const std::string_view> texts,
                                                          const ZeroShotOptions& options);

// --- ner: transformers' TokenClassificationPipeline ----------------------------------------------

enum class Aggregation : std::uint8_t { none, simple, first, average, max };
SAPWOOD_API EnumNames names_of(Aggregation) noexcept;

struct NerOptions {
  Aggregation aggregation = Aggregation::none;
  std::vector<std::string> ignore_labels = {"O"};
  // > 0: texts over the limit are read whole, in windows that overlap by this many tokens.
  int stride = 0;
  LengthOptions length;
};

struct Entity {
  std::string entity;  // the label; of a group without B- and I-
  float score;
  int index;         // token position in the text; -1 when aggregated
  std::string word;  // the token, or the group's text
  int start, end;    // code points of the text
  int label_id =
      -1;  // its label's place in ModelConfig::labels; a group's is that of its first token or word
};

struct Entities {
  std::vector<Entity> entities;
  bool truncated = false;
};

SAPWOOD_API std::vector<Result<Entities>> ner(const Model& model,
                                              std::span<const std::string_view> texts,
                                              const NerOptions& options = {});

// --- embed: sentence-transformers' encode --------------------------------------------------------

struct EmbedOptions {
  std::optional<PoolingMode> pooling;  // unset: the model's own, else mean
  std::optional<bool> normalize;  // unset: the model's own, else false; ignored with pooling none
  LengthOptions length;
  // What stands before every text (of a pair, before the first): a text, or the name of one of
  // SentenceConfig::prompts. Unset: the model's default prompt, if it has one. Texts that come
  // tokenised get none.
  std::optional<std::string> prompt, prompt_name;
  // How many numbers of a vector are kept, the first ones; unset: SentenceConfig::truncate_dim, else
  // all. As in sentence-transformers only `normalize` true makes what is kept of length 1 again.
  std::optional<int> dimensions;
};

// Numbers of one vector of embed with these options. Throws Error as embed_task.
SAPWOOD_API int embedding_size(const Model& model, const EmbedOptions& options = {});

struct Embedding {
  int rows = 0, dim = 0;          // rows is 1, or the number of tokens with pooling none
  std::vector<float> values;      // [rows, dim]
  std::vector<std::int32_t> ids;  // token ids, with pooling none
  bool truncated = false;
};

SAPWOOD_API std::vector<Result<Embedding>> embed(const Model& model,
                                                 std::span<const TextInput> inputs,
                                                 const EmbedOptions& options = {});

struct EmbeddedRow {
  int tokens = 0;  // of the text, special tokens included
  bool truncated = false;
};

// The same into memory that others own: `out` is [inputs, embedding_size()], row-major, and each input's
// vector goes to its row. The row of an input with an Error stays as it was. Throws Error invalid_argument,
// before anything is computed, where `out` has another size or where the pooling is none.
SAPWOOD_API std::vector<Result<EmbeddedRow>> embed_into(const Model& model,
                                                        std::span<const TextInput> inputs,
                                                        std::span<float> out,
                                                        const EmbedOptions& options = {});

// --- sparse embeddings: sentence-transformers' SparseEncoder ---------------------------------------

struct SparseOptions {
  // As encode_query or encode_document: by the model's prompt of that name, and where it has two ways
  // by that one. Unset: SparseConfig::default_route, and the default prompt.
  std::optional<Route> route;
  std::optional<std::string> prompt, prompt_name;  // as EmbedOptions
  std::optional<int> max_active_dims;  // the largest so many; unset: the model's own, else all
  LengthOptions length;
};

struct SparseValue {
  std::int32_t index;  // token id
  float value;
};

struct SparseEmbedding {
  std::vector<SparseValue> values;  // those that are not zero, by index
  bool truncated = false;
};

// Needs a masked-LM head. A model without sentence-transformers' files is taken for SPLADE with the
// largest of relu, as there.
SAPWOOD_API std::vector<Result<SparseEmbedding>> sparse_embed(const Model& model,
                                                              std::span<const TextInput> inputs,
                                                              const SparseOptions& options = {});

// --- fill-mask: transformers' FillMaskPipeline ---------------------------------------------------

struct FillMaskOptions {
  int top_k = 5;
  LengthOptions length;
  // Words of which alone the mask is filled, as mask_targets reads them; empty: all of the vocabulary. Scores stay
  // those among the whole vocabulary.
  std::vector<std::string> targets;
};

// A word that the masks may be filled with, and the token that stands for it: the vocabulary's, else the first of those
// that the word is cut into.
struct MaskTarget {
  std::string word;
  std::int32_t token;
  bool exact;  // whether the vocabulary has the word
};

// Throws Error invalid_argument for a word that no token stands for.
SAPWOOD_API std::vector<MaskTarget> mask_targets(const Model& model,
                                                 std::span<const std::string> words);

struct MaskFill {
  float score;
  std::int32_t token;
  std::string token_str;
  std::string sequence;  // the text with this mask filled
};

struct MaskFills {
  std::vector<std::vector<MaskFill>> masks;  // one list, best first, for each mask token
  bool truncated = false;
};

// A text without the model's mask token is Error invalid_argument.
SAPWOOD_API std::vector<Result<MaskFills>> fill_mask(const Model& model,
                                                     std::span<const std::string_view> texts,
                                                     const FillMaskOptions& options = {});

// --- question answering: transformers' QuestionAnsweringPipeline (4.57) --------------------------

struct QuestionInput {
  std::string_view question;
  std::string_view context;
};

struct AnswerOptions {
  int top_k = 1;
  int max_answer_length = 15;  // tokens of the longest answer considered
  // Tokens of one window, question and special tokens included. Unset: 384, or Model::max_length()
  // where that is less.
  std::optional<int> max_seq_length;
  // Tokens by which the windows of a long context overlap (doc_stride). Unset: 128, or half of
  // max_seq_length where that is less.
  std::optional<int> stride;
  bool handle_impossible_answer = false;  // the empty answer competes with its own score
  // Answers scoring less are dropped; where none is left, the empty answer stands in their place
  // with the score of the best one dropped. Sapwood's own: the pipeline has no such option.
  std::optional<float> no_answer_threshold;
  bool align_to_words = true;  // answers are widened to whole words
  bool parse_special_tokens = true;
};

struct Answer {
  float score;
  int start, end;  // code points of the context; 0, 0 for the empty answer
  std::string answer;
};

// At least one answer, best first; fewer than top_k where there are no more spans of any
// probability. Equal answers (but for case) found in several places or windows are one, their
// scores added up.
SAPWOOD_API std::vector<Result<std::vector<Answer>>> answer(const Model& model,
                                                            std::span<const QuestionInput> inputs,
                                                            const AnswerOptions& options = {});

// --- rerank --------------------------------------------------------------------------------------

struct RerankOptions {
  // Cross-encoders: the logit or its sigmoid; unset: what the model's files name, else the sigmoid.
  std::optional<PairScore> scores;
  LengthOptions length;
  // What stands before the query and before each text. Unset: of an encoder, its prompts "query" and
  // "document", if it has them; of a cross-encoder, before the query its default prompt and before a
  // text nothing, which is all it can have there.
  std::optional<std::string> query_prompt, text_prompt;
};

struct RankedText {
  int index;  // into the texts given
  float score;
};

struct Ranking {
  // Best first, by the logit or the similarity; equal ones in the order given.
  std::vector<RankedText> texts;
  bool truncated = false;
};

// A model with a sequence classification head of one label scores pairs (cross-encoder), and so does
// one of two labels without names, of which the second says "relevant" (its softmax; the raw score is
// the difference of the logits); an encoder compares embeddings, by SentenceConfig::similarity.
SAPWOOD_API Result<Ranking> rerank(const Model& model, std::string_view query,
                                   std::span<const std::string_view> texts,
                                   const RerankOptions& options = {});

}  // namespace sapwood
