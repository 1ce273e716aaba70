// config.json as JSON that tests change.
#pragma once

#include <string>

#include "architecture/parse_config.h"
#include "catch.h"
#include "golden.h"

namespace sapwood::test {

inline json bert() {
  return {{"model_type", "bert"},    {"architectures", {"BertModel"}},
          {"vocab_size", 100},       {"hidden_size", 32},
          {"num_hidden_layers", 2},  {"num_attention_heads", 4},
          {"intermediate_size", 64}, {"max_position_embeddings", 16},
          {"type_vocab_size", 2},    {"layer_norm_eps", 1e-12},
          {"hidden_act", "gelu"}};
}

inline ModelConfig parse(const json& config) {
  return parse_config(JsonDocument::parse(config.dump(), "config.json").root());
}

inline void check_error(const json& config, ErrorCode code, const std::string& names) {
  INFO(config.dump());
  try {
    parse(config);
    FAIL("accepted, expected an error that names " << names);
  } catch (const Error& e) {
    CHECK(to_string(e.code()) == to_string(code));
    CHECK_THAT(e.what(), ContainsSubstring(names));
  }
}

inline json with(json config, const std::string& key, const json& value) {
  config[key] = value;
  return config;
}

inline json distilbert() {
  return {{"model_type", "distilbert"},
          {"architectures", {"DistilBertForSequenceClassification"}},
          {"vocab_size", 100},
          {"dim", 32},
          {"n_layers", 2},
          {"n_heads", 4},
          {"hidden_dim", 64},
          {"max_position_embeddings", 16}};
}

}  // namespace sapwood::test
