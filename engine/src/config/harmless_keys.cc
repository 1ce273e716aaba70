// Keys of config.json that change nothing here.
#include "config/harmless_keys.h"

namespace sapwood {
namespace {

constexpr std::string_view kFile[] = {"_name_or_path",
                                      "name_or_path",
                                      "_commit_hash",
                                      "transformers_version",
                                      "torch_dtype",
                                      "dtype",
                                      "torchscript",
                                      "language",
                                      "finetuning_task",
                                      "task_specific_params",
                                      "_num_labels",
                                      "num_labels",
                                      "label2id",
                                      "eos_token_ids",
                                      "xla_device",
                                      "transformers.js_config",
                                      "name",
                                      "model_max_length"};

constexpr std::string_view kTraining[] = {"attention_probs_dropout_prob", "hidden_dropout_prob",
                                          "classifier_dropout",           "initializer_range",
                                          "initializer_factor",           "gradient_checkpointing",
                                          "chunk_size_feed_forward",      "loss_type"};

constexpr std::string_view kFunctions[] = {"output_attentions",    "output_hidden_states",
                                           "return_dict",          "use_return_dict",
                                           "output_past",          "use_cache",
                                           "_attn_implementation", "_attn_implementation_autoset",
                                           "attn_implementation",  "function_to_apply"};

constexpr std::string_view kTokens[] = {"pad_token_id", "bos_token_id",           "eos_token_id",
                                        "cls_token_id", "sep_token_id",           "mask_token_id",
                                        "unk_token_id", "decoder_start_token_id", "prefix"};

constexpr std::string_view kGeneration[] = {"is_encoder_decoder",
                                            "cross_attention_hidden_size",
                                            "tie_encoder_decoder",
                                            "max_length",
                                            "min_length",
                                            "do_sample",
                                            "early_stopping",
                                            "num_beams",
                                            "num_beam_groups",
                                            "diversity_penalty",
                                            "temperature",
                                            "top_k",
                                            "top_p",
                                            "typical_p",
                                            "repetition_penalty",
                                            "length_penalty",
                                            "no_repeat_ngram_size",
                                            "encoder_no_repeat_ngram_size",
                                            "bad_words_ids",
                                            "num_return_sequences",
                                            "output_scores",
                                            "return_dict_in_generate",
                                            "forced_bos_token_id",
                                            "forced_eos_token_id",
                                            "remove_invalid_values",
                                            "exponential_decay_length_penalty",
                                            "suppress_tokens",
                                            "begin_suppress_tokens",
                                            "tf_legacy_loss",
                                            "use_bfloat16"};

constexpr HarmlessKeys kAll[] = {
    {"about the file itself and where it came from", kFile},
    {"for training alone: nothing is dropped when a model answers", kTraining},
    {"what transformers' functions return, and how fast they are", kFunctions},
    {"special tokens: the tokenizer's own files say which they are", kTokens},
    {"for generating text, which an encoder does not", kGeneration}};

}  // namespace

std::span<const HarmlessKeys> harmless_keys() noexcept { return kAll; }

}  // namespace sapwood
