/* Sapwood for C, and for what speaks C: models, answers in the caller's memory, jobs, and a scheduler.
 *
 *   sapwood_model* model;
 *   sapwood_error error;
 *   if (sapwood_model_load("minilm-fff-embed", NULL, &model, &error) != SAPWOOD_OK) { puts(error.message); return 1; }
 *   sapwood_text texts[] = {{"heartwood", 9}, {"sapwood", 7}};
 *   float vectors[2 * 384];
 *   sapwood_embed(model, texts, NULL, 2, NULL, vectors, 2 * 384, NULL, &error);
 *   sapwood_model_free(model);
 *
 * Every function that can fail returns a status, and where `error` is not NULL it writes the message there. Texts are UTF-8 and
 * need no final zero. Options are NULL for the defaults, or a struct that its _init function has filled, which is told the struct's size. A model may be used from
 * any number of threads at once, a job from one at a time. Functions that free take NULL. What must not be NULL is said nowhere: it
 * is all the rest; a NULL there is SAPWOOD_INVALID_ARGUMENT.
 */
#ifndef SAPWOOD_CAPI_H
#define SAPWOOD_CAPI_H

#include <stddef.h>
#include <stdint.h>

#include "sapwood/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sapwood_status {
  SAPWOOD_OK = 0,
  SAPWOOD_INVALID_ARGUMENT,
  SAPWOOD_NOT_FOUND,
  SAPWOOD_IO,
  SAPWOOD_MALFORMED,
  SAPWOOD_MISMATCH,
  SAPWOOD_UNSUPPORTED,
  SAPWOOD_INVALID_UTF8,
  SAPWOOD_TOO_LONG,
  SAPWOOD_ISA_UNAVAILABLE,
  SAPWOOD_OUT_OF_MEMORY,
  SAPWOOD_OVERLOADED,
  SAPWOOD_DEADLINE_EXCEEDED,
  SAPWOOD_CANCELLED,
  SAPWOOD_INTERNAL /* a fault of the library */
} sapwood_status;

/* "invalid_argument", ...; "unknown" for another number. */
SAPWOOD_API const char* sapwood_status_name(sapwood_status status);
/* The library's version, "0.1.0". */
SAPWOOD_API const char* sapwood_version_string(void);

typedef struct sapwood_error {
  sapwood_status status;
  char message[1024]; /* cut where it is longer; "" where all went well */
} sapwood_error;

typedef struct sapwood_text {
  const char* data;
  size_t size; /* bytes */
} sapwood_text;

/* --- models */

typedef struct sapwood_model sapwood_model;
typedef struct sapwood_threads sapwood_threads;

/* One team of threads for any number of models. count 0: all that this process may use. */
SAPWOOD_API sapwood_status sapwood_threads_new(int count, sapwood_threads** threads,
                                               sapwood_error* error);
SAPWOOD_API void sapwood_threads_free(sapwood_threads* threads);

typedef struct sapwood_load_options {
  size_t size;           /* of this struct, as _init writes it */
  const char* isa;       /* "auto", "avx2", ... as in the command line */
  const char* dtype;     /* "auto", "f32", "bf16", "int8" */
  const char* dense;     /* "auto", "native", "onednn" */
  int copy_weights;      /* 0 or 1 */
  int threads;           /* of one call; 0: all */
  sapwood_threads* team; /* NULL: a team of the model's own */
  int batch_tokens;
} sapwood_load_options;
SAPWOOD_API void sapwood_load_options_init(sapwood_load_options* options, size_t size);

/* By path, or by name as the command line's -m. */
SAPWOOD_API sapwood_status sapwood_model_load(const char* name, const sapwood_load_options* options,
                                              sapwood_model** model, sapwood_error* error);
/* The bytes of a converted file, which stay where they are as long as the model, its jobs, and a scheduler that knows it. */
SAPWOOD_API sapwood_status sapwood_model_load_memory(const void* bytes, size_t size,
                                                     const sapwood_load_options* options,
                                                     sapwood_model** model, sapwood_error* error);
SAPWOOD_API void sapwood_model_free(sapwood_model* model);

typedef enum sapwood_head {
  SAPWOOD_HEAD_NONE = 0,
  SAPWOOD_HEAD_MASKED_LM,
  SAPWOOD_HEAD_SEQUENCE_CLASSIFICATION,
  SAPWOOD_HEAD_TOKEN_CLASSIFICATION,
  SAPWOOD_HEAD_QUESTION_ANSWERING
} sapwood_head;

typedef struct sapwood_model_info {
  size_t size; /* of the struct that the caller has; no more is written */
  sapwood_head head;
  int hidden; /* numbers of a token's vector */
  int layers;
  int vocab_size;
  int max_length; /* tokens of the longest text */
  int labels;
  int embedding; /* numbers of an embedding; 0 where the model's files ask for one that is not computed */
} sapwood_model_info;
SAPWOOD_API sapwood_status sapwood_model_describe(const sapwood_model* model,
                                                  sapwood_model_info* info, sapwood_error* error);
/* The name of a label, valid as long as the model; NULL for an id that there is not. */
SAPWOOD_API const char* sapwood_model_label(const sapwood_model* model, int id);

typedef enum sapwood_truncation {
  SAPWOOD_TRUNCATE_LONGEST_FIRST = 0,
  SAPWOOD_TRUNCATE_ONLY_FIRST,
  SAPWOOD_TRUNCATE_ONLY_SECOND,
  SAPWOOD_TRUNCATE_NONE /* longer texts are SAPWOOD_TOO_LONG */
} sapwood_truncation;

/* Options of all tasks; each reads what it knows. */
typedef struct sapwood_task_options {
  size_t size;
  int max_length; /* 0: the model's */
  sapwood_truncation truncation;
  int truncate_left;    /* 1; 0: the end that the tokenizer says, mostly right */
  int plain_special;    /* 1: "[MASK]" in a text is plain text */
  const char* function; /* classify: NULL (by the model), "softmax", "sigmoid", "none" */
  const char*
      pooling; /* embed: NULL (by the model), "mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken" */
  int normalize;           /* embed: -1 (by the model), 0, 1 */
  const char* aggregation; /* ner: "none", "simple", "first", "average", "max" */
  int stride;              /* ner, answer: tokens that neighbouring windows share; 0: the default */
  int top_k;          /* classify, zero_shot, fill_mask, answer; 0: all labels, all labels, 5, 1 */
  int raw_scores;     /* rerank: 1: as scores "raw" */
  const char* scores; /* rerank: NULL (by the model), "sigmoid", "raw" */
  const char*
      prompt; /* embed, sparse_embed: what stands before every text; NULL: the model's default prompt */
  const char* prompt_name; /* embed: the name of one of the model's prompts instead */
  int dimensions; /* embed: numbers of a vector that are kept; 0: all that the model keeps */
  const char* query_prompt; /* rerank: NULL: by the model */
  const char* text_prompt;
  const char* route;   /* sparse_embed: NULL (by the model), "query", "document" */
  int max_active_dims; /* sparse_embed: the largest so many numbers; 0: all that the model keeps */
} sapwood_task_options;
SAPWOOD_API void sapwood_task_options_init(sapwood_task_options* options, size_t size);

/* --- answers in the caller's memory, for many texts at once
 *
 * `pairs` is NULL, or one second text for each. `statuses` is NULL, or one status for each text: then a text that cannot be answered
 * leaves the others theirs, its own memory stays as it was, and the call is SAPWOOD_OK. Where it is NULL, the first such text fails the
 * call. */

/* The ids of a text, special tokens included. *count is how many there are; where `capacity` is less, nothing is written and the
 * status is SAPWOOD_TOO_LONG. */
SAPWOOD_API sapwood_status sapwood_encode(const sapwood_model* model, sapwood_text text,
                                          const sapwood_text* pair,
                                          const sapwood_task_options* options, int32_t* ids,
                                          size_t capacity, size_t* count, sapwood_error* error);

/* vectors: [count, embedding] (sapwood_model_info; with `dimensions` that many), row-major; numbers is its whole size. */
SAPWOOD_API sapwood_status sapwood_embed(const sapwood_model* model, const sapwood_text* texts,
                                         const sapwood_text* pairs, size_t count,
                                         const sapwood_task_options* options, float* vectors,
                                         size_t numbers, sapwood_status* statuses,
                                         sapwood_error* error);

typedef struct sapwood_label_score {
  int label; /* see sapwood_model_label */
  float score;
} sapwood_label_score;
/* scores: [count, per_text], best first; the model has at least per_text labels. */
SAPWOOD_API sapwood_status sapwood_classify(const sapwood_model* model, const sapwood_text* texts,
                                            const sapwood_text* pairs, size_t count,
                                            const sapwood_task_options* options,
                                            sapwood_label_score* scores, size_t per_text,
                                            sapwood_status* statuses, sapwood_error* error);

typedef struct sapwood_ranked_text {
  size_t index; /* into the texts */
  float score;
} sapwood_ranked_text;
/* ranked: [count], best first. */
SAPWOOD_API sapwood_status sapwood_rerank(const sapwood_model* model, sapwood_text query,
                                          const sapwood_text* texts, size_t count,
                                          const sapwood_task_options* options,
                                          sapwood_ranked_text* ranked, sapwood_error* error);

/* --- jobs: one input of a task, computed at once or by a scheduler; answers of any size
 *
 * A job copies its texts. */

typedef struct sapwood_job sapwood_job;

SAPWOOD_API sapwood_status sapwood_classify_job(const sapwood_model* model, sapwood_text text,
                                                const sapwood_text* pair,
                                                const sapwood_task_options* options,
                                                sapwood_job** job, sapwood_error* error);

typedef struct sapwood_zero_shot_options {
  size_t size;
  const sapwood_text* labels;      /* to choose from */
  size_t count;                    /* of them; at least 1 */
  const char* hypothesis_template; /* {} is the label; NULL: "This example is {}." */
  int multi_label; /* 0: the scores of all labels add up to 1; 1: each label by itself */
} sapwood_zero_shot_options;
SAPWOOD_API void sapwood_zero_shot_options_init(sapwood_zero_shot_options* options, size_t size);
/* Zero-shot classification, for a model trained on natural language inference. Items are labels, of which `label` is the place in
 * the options. Only the text is ever cut. */
SAPWOOD_API sapwood_status sapwood_zero_shot_job(const sapwood_model* model, sapwood_text text,
                                                 const sapwood_zero_shot_options* labels,
                                                 const sapwood_task_options* options,
                                                 sapwood_job** job, sapwood_error* error);
SAPWOOD_API sapwood_status sapwood_embed_job(const sapwood_model* model, sapwood_text text,
                                             const sapwood_text* pair,
                                             const sapwood_task_options* options, sapwood_job** job,
                                             sapwood_error* error);
/* A sparse vector over the vocabulary, of a model with a masked-LM head (SPLADE). */
SAPWOOD_API sapwood_status sapwood_sparse_embed_job(const sapwood_model* model, sapwood_text text,
                                                    const sapwood_task_options* options,
                                                    sapwood_job** job, sapwood_error* error);
SAPWOOD_API sapwood_status sapwood_ner_job(const sapwood_model* model, sapwood_text text,
                                           const sapwood_task_options* options, sapwood_job** job,
                                           sapwood_error* error);
SAPWOOD_API sapwood_status sapwood_fill_mask_job(const sapwood_model* model, sapwood_text text,
                                                 const sapwood_task_options* options,
                                                 sapwood_job** job, sapwood_error* error);
SAPWOOD_API sapwood_status sapwood_answer_job(const sapwood_model* model, sapwood_text question,
                                              sapwood_text context,
                                              const sapwood_task_options* options,
                                              sapwood_job** job, sapwood_error* error);
/* Not while a scheduler has it; in its `done` and afterwards. */
SAPWOOD_API void sapwood_job_free(sapwood_job* job);

/* Computes it on the calling thread, and the model's. */
SAPWOOD_API sapwood_status sapwood_job_run(sapwood_job* job, sapwood_error* error);

/* Tokens of the job's windows together. */
SAPWOOD_API size_t sapwood_job_tokens(const sapwood_job* job);
/* 1 where the job has its answer and the text was cut. */
SAPWOOD_API int sapwood_job_truncated(const sapwood_job* job);
/* Labels, entities, answers, fills (of all masks together), numbers of a sparse vector that are not zero, or numbers of the embedding; 0 before the job was computed. */
SAPWOOD_API size_t sapwood_job_count(const sapwood_job* job);

typedef struct sapwood_item {
  float score;
  int label; /* classify, ner, zero_shot: id of the label; else -1 */
  int token; /* fill_mask, sparse_embed: id of the token; ner: its place in the text, -1 for groups; else -1 */
  int mask;          /* fill_mask: which of the masks; else -1 */
  size_t start, end; /* ner, answer: code points of the text */
  /* Valid as long as the job, ended by a zero. name: the label, the group, or the token. text: the word, the answer, or the whole text
   * with the mask filled. */
  sapwood_text name;
  sapwood_text text;
} sapwood_item;
/* item_size: of the caller's struct. The i-th of what sapwood_job_count counts, best first for classify, answer and each mask. Not of an embedding. */
SAPWOOD_API sapwood_status sapwood_job_item(const sapwood_job* job, size_t i, sapwood_item* item,
                                            size_t item_size, sapwood_error* error);
/* Of an embedding; `numbers` is sapwood_job_count. */
SAPWOOD_API sapwood_status sapwood_job_vector(const sapwood_job* job, float* vector, size_t numbers,
                                              sapwood_error* error);

/* --- a scheduler, for services */

typedef struct sapwood_scheduler sapwood_scheduler;

typedef struct sapwood_scheduler_options {
  size_t size;
  sapwood_threads* team; /* NULL: all threads that this process may use */
  int batch_tokens;
  double max_wait_ms;
} sapwood_scheduler_options;
SAPWOOD_API void sapwood_scheduler_options_init(sapwood_scheduler_options* options, size_t size);

SAPWOOD_API sapwood_status sapwood_scheduler_new(const sapwood_scheduler_options* options,
                                                 sapwood_scheduler** scheduler,
                                                 sapwood_error* error);
/* Cancels what is queued and waits for what is under way. Not from a callback. */
SAPWOOD_API void sapwood_scheduler_free(sapwood_scheduler* scheduler);
/* Warms the model up and measures what it costs. */
SAPWOOD_API sapwood_status sapwood_scheduler_add(sapwood_scheduler* scheduler,
                                                 const sapwood_model* model, sapwood_error* error);

/* Forgets the model and cancels its jobs. */
SAPWOOD_API sapwood_status sapwood_scheduler_remove(sapwood_scheduler* scheduler,
                                                    const sapwood_model* model,
                                                    sapwood_error* error);

/* Called once for each accepted job, on a thread of the scheduler's, or inside a call that cancels. SAPWOOD_OK: the job has its
 * answer. */
typedef void (*sapwood_done)(void* user, sapwood_job* job, sapwood_status status);
typedef uint64_t sapwood_ticket;

/* Queues the job. timeout_ms 0: no deadline. ticket may be NULL. SAPWOOD_OVERLOADED: refused, and `done` is never called. */
SAPWOOD_API sapwood_status sapwood_scheduler_submit(sapwood_scheduler* scheduler, sapwood_job* job,
                                                    double timeout_ms, sapwood_done done,
                                                    void* user, sapwood_ticket* ticket,
                                                    sapwood_error* error);
/* Submits and waits for the answer. */
SAPWOOD_API sapwood_status sapwood_scheduler_run(sapwood_scheduler* scheduler, sapwood_job* job,
                                                 double timeout_ms, sapwood_error* error);
/* Takes a job back: `done` is called with SAPWOOD_CANCELLED, unless it has been called; when this returns, it has ended. */
SAPWOOD_API void sapwood_scheduler_cancel(sapwood_scheduler* scheduler, sapwood_ticket ticket);

#ifdef __cplusplus
}
#endif

#endif /* SAPWOOD_CAPI_H */
