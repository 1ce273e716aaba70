// What MPNet's, NomicBERT's and ModernBERT's configurations say, and what they may not.
#include "config_cases.h"

namespace sapwood::test {
namespace {

TEST_CASE("an MPNet configuration has a bias for each distance and RoBERTa's positions",
          "[config]") {
  const json absent = {{"model_type", "mpnet"}};
  CHECK(parse(absent).vocab_size == 30527);
  CHECK(parse(absent).padding_id == 1);
  CHECK(parse(absent).max_positions == 510);
  CHECK(parse(absent).type_vocab == 0);
  CHECK(parse(absent).relative_buckets == 32);
  // MPNetEmbeddings does not read it.
  CHECK(parse(with(absent, "pad_token_id", 0)).padding_id == 1);
  const json relu = with(absent, "hidden_act", "relu");
  const auto head = [&](const char* name) { return parse(with(relu, "architectures", {name})); };
  CHECK(head("MPNetModel").head == HeadKind::none);
  CHECK(head("MPNetForMaskedLM").head_activation == Activation::gelu);
  CHECK(head("MPNetForSequenceClassification").head_activation == Activation::tanh);
  CHECK(head("MPNetForTokenClassification").head == HeadKind::token_classification);
  CHECK(head("MPNetForQuestionAnswering").head == HeadKind::question_answering);
  CHECK(head("MPNetForMultipleChoice").head == HeadKind::none);
  for (const int buckets : {16, 64}) {
    check_error(with(absent, "relative_attention_num_buckets", buckets), ErrorCode::unsupported,
                "relative_attention_num_buckets: only 32 buckets are supported");
  }
  check_error(with(absent, "relative_attention_num_buckets", -1), ErrorCode::malformed,
              "relative_attention_num_buckets");
  check_error(with(absent, "max_position_embeddings", 2), ErrorCode::mismatch,
              "max_position_embeddings");
}

// As nomic-embed-text-v1.5 has them, but smaller.
json published_nomic() {
  return {{"model_type", "nomic_bert"},
          {"architectures", {"NomicBertModel"}},
          {"vocab_size", 100},
          {"pad_vocab_size_multiple", 64},
          {"n_embd", 32},
          {"n_head", 4},
          {"n_layer", 2},
          {"n_inner", 64},
          {"n_positions", 8192},
          {"max_trained_positions", 2048},
          {"rotary_emb_base", 1000},
          {"rotary_emb_fraction", 1.0},
          {"rotary_emb_scale_base", nullptr},
          {"rotary_scaling_factor", nullptr},
          {"rotary_emb_interleaved", false},
          {"activation_function", "swiglu"},
          {"qkv_proj_bias", false},
          {"mlp_fc1_bias", false},
          {"mlp_fc2_bias", false},
          {"layer_norm_epsilon", 1e-12},
          {"type_vocab_size", 2},
          {"prenorm", false}};
}

TEST_CASE("a published NomicBERT configuration is read by its own keys", "[config]") {
  const ModelConfig c = parse(published_nomic());
  CHECK(c.vocab_size == 128);  // padded to the multiple
  CHECK(c.hidden == 32);
  CHECK(c.max_positions == 8192);
  CHECK(c.positions == PositionKind::rotary);
  CHECK(c.rotary_base == 1000);
  CHECK(c.type_vocab == 2);
  CHECK(c.feed_forward.kind == FeedForwardKind::glu);
  CHECK(c.feed_forward.width == 128);
  CHECK(c.feed_forward.activation == Activation::silu);
  CHECK_FALSE((c.feed_forward.bias || c.attention_bias || c.projection_bias));
  CHECK(parse(with(published_nomic(), "n_positions", 0)).max_positions == 2048);
  CHECK(parse(with(published_nomic(), "activation_function", "geglu")).feed_forward.activation ==
        Activation::gelu);
  const auto lm = parse(with(published_nomic(), "architectures", {"NomicBertForPreTraining"}));
  CHECK(lm.head == HeadKind::masked_lm);
  CHECK(lm.head_activation == Activation::silu);
  CHECK_FALSE((lm.head_bias || lm.decoder_bias));
}

TEST_CASE("what a published NomicBERT may ask for and does not get is refused by name",
          "[config]") {
  const json nomic = published_nomic();
  check_error(with(nomic, "activation_function", "glu"), ErrorCode::unsupported,
              "activation_function: expected swiglu or geglu, found 'glu'");
  for (const char* key : {"prenorm", "causal", "parallel_block", "use_rms_norm",
                          "rotary_emb_interleaved", "rotary_head_dim", "mlp_fc2_bias"}) {
    check_error(with(nomic, key, true), ErrorCode::unsupported, key);
  }
  check_error(with(nomic, "rotary_emb_scale_base", 512), ErrorCode::unsupported,
              "rotary_emb_scale_base");
  check_error(with(nomic, "rotary_emb_fraction", 0.5), ErrorCode::unsupported,
              "rotary_emb_fraction");
  check_error(with(nomic, "rotary_scaling_factor", 2), ErrorCode::unsupported,
              "rotary_scaling_factor");
  // Texts that are no longer than those of the training are not scaled.
  const json short_texts = with(nomic, "n_positions", 2048);
  CHECK(parse(with(short_texts, "rotary_scaling_factor", 2)).max_positions == 2048);
  check_error(with(nomic, "moe_every_n_layers", 2), ErrorCode::unsupported, "moe_every_n_layers");
  check_error(with(nomic, "rotary_emb_base", 0), ErrorCode::malformed, "rotary_emb_base");
  check_error(with(nomic, "rotary_emb_base", "NaN"), ErrorCode::malformed, "rotary_emb_base");
  check_error(with(nomic, "n_head", 32), ErrorCode::unsupported, "expected an even size, found 1");
  check_error(with(nomic, "n_head", 5), ErrorCode::mismatch, "n_head");
}

TEST_CASE("a NomicBERT configuration of transformers", "[config]") {
  const json absent = {{"model_type", "nomic_bert"}};
  const ModelConfig c = parse(absent);
  CHECK(c.vocab_size == 30528);
  CHECK(c.max_positions == 2048);
  CHECK(c.rotary_base == 1000);
  CHECK(c.feed_forward.width == 2 * 3072);
  CHECK(c.feed_forward.activation == Activation::silu);
  const auto rotary = [&](const json& parameters) {
    return with(absent, "rope_parameters", parameters);
  };
  CHECK(parse(rotary({{"rope_type", "default"}, {"rope_theta", 5000.0}})).rotary_base == 5000);
  check_error(rotary({{"rope_type", "yarn"}}), ErrorCode::unsupported,
              "rotary embeddings of type 'yarn' are not supported");
  check_error(rotary({{"rope_theta", -1}}), ErrorCode::malformed, "rope_theta");
  check_error(with(absent, "head_dim", 32), ErrorCode::unsupported, "head_dim");
}

TEST_CASE("a ModernBERT configuration has local layers between global ones", "[config]") {
  const json absent = {{"model_type", "modernbert"}};
  const ModelConfig c = parse(absent);
  CHECK(c.vocab_size == 50368);
  CHECK(c.layers == 22);
  CHECK(c.max_positions == 8192);
  CHECK(c.feed_forward.width == 2 * 1152);
  CHECK(c.local_reach == 64);
  CHECK(c.rotary_base == 160000);
  CHECK(c.local_rotary_base == 10000);
  CHECK_FALSE((c.norm_bias || c.attention_bias || c.feed_forward.bias || c.head_bias));
  for (int i = 0; i < c.layers; ++i) CHECK(c.is_local(i) == (i % 3 != 0));
  CHECK(parse(with(absent, "local_rope_theta", nullptr)).local_rotary_base == 160000);
  CHECK(parse(with(absent, "classifier_pooling", "mean")).head_pooling == PoolingMode::mean);
  check_error(with(absent, "classifier_pooling", "max"), ErrorCode::unsupported,
              "classifier_pooling: expected cls or mean, found 'max'");
  check_error(with(absent, "rope_scaling", {{"type", "linear"}}), ErrorCode::unsupported,
              "rope_scaling");
  check_error(with(absent, "global_attn_every_n_layers", 0), ErrorCode::malformed,
              "global_attn_every_n_layers");
  check_error(with(absent, "local_attention", -1), ErrorCode::malformed, "local_attention");
  // transformers refuses these, too.
  for (const char* key : {"local_attention", "num_hidden_layers", "norm_eps", "hidden_activation",
                          "tie_word_embeddings"}) {
    check_error(with(absent, key, nullptr), ErrorCode::malformed, std::string(key) + ": expected");
  }
}

TEST_CASE("every key of published configurations is known", "[config]") {
  json nomic = published_nomic();
  for (const char* key : {"attn_pdrop", "embd_pdrop", "resid_pdrop", "initializer_range"})
    nomic[key] = 0.02;
  for (const char* key :
       {"fused_bias_fc", "fused_dropout_add_ln", "use_flash_attn", "use_xentropy",
        "dense_seq_output", "scale_attn_weights", "summary_proj_to_labels", "summary_use_proj"}) {
    nomic[key] = true;
  }
  const json modernbert = {{"model_type", "modernbert"},   {"classifier_dropout", 0.0},
                           {"attention_dropout", 0.0},     {"cls_token_id", 50281},
                           {"embedding_dropout", 0.0},     {"deterministic_flash_attn", false},
                           {"mlp_dropout", 0.0},           {"gradient_checkpointing", false},
                           {"initializer_range", 0.02},    {"initializer_cutoff_factor", 2.0},
                           {"layer_norm_eps", 1e-05},      {"position_embedding_type", "absolute"},
                           {"sparse_prediction", false},   {"sparse_pred_ignore_index", -100},
                           {"global_rope_theta", 16e4},    {"local_rope_theta", 1e4},
                           {"tie_word_embeddings", true},  {"repad_logits_with_grad", false},
                           {"torch_dtype", "float32"},     {"reference_compile", true},
                           {"transformers_version", "4."}, {"pad_token_id", 50283}};
  for (const json& config : {nomic, modernbert}) {
    Notices notices;
    parse_config(JsonDocument::parse(config.dump(), "config.json").root(), &notices);
    CHECK(notices.list().empty());
    parse_config(JsonDocument::parse(with(config, "windows", 2).dump(), "config.json").root(),
                 &notices);
    CHECK(notices.list().size() == 1);
  }
}

TEST_CASE("a ModernBERT configuration of transformers 5 lists its layers", "[config]") {
  const json full = "full_attention", local = "sliding_attention";
  const json base = {{"model_type", "modernbert"}, {"num_hidden_layers", 4}};
  const auto listed = [&](const json& types) { return with(base, "layer_types", types); };
  CHECK(parse(listed({full, local, full, local})).global_every == 2);
  CHECK(parse(listed({full, local, local, local})).global_every == 4);
  CHECK(parse(listed({full, full, full, full})).global_every == 1);
  for (const json& types :
       {json{local, full, local, full}, json{full, local, local}, json{full, local, full, full}}) {
    check_error(listed(types), ErrorCode::unsupported, "layer_types: expected full_attention");
  }
  check_error(listed({full, "chunked_attention", full, local}), ErrorCode::unsupported,
              "found 'chunked_attention'");
  const json rotary = {{"full_attention", {{"rope_type", "default"}, {"rope_theta", 8000}}},
                       {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 400}}}};
  const ModelConfig c = parse(with(base, "rope_parameters", rotary));
  CHECK(c.rotary_base == 8000);
  CHECK(c.local_rotary_base == 400);
}

}  // namespace
}  // namespace sapwood::test
