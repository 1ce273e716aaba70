// Keys of config.json that a family does not know, and those that are known to change nothing.
#include <sstream>

#include "architecture/parse_config.h"
#include "catch.h"
#include "config/harmless_keys.h"
#include "config_cases.h"

namespace sapwood::test {
namespace {

std::vector<std::string> notices_of(const json& config) {
  Notices notices;
  parse_config(JsonDocument::parse(config.dump(), "config.json").root(), &notices);
  return notices.list();
}

TEST_CASE("keys that a family does not know are one notice", "[config]") {
  CHECK(notices_of(bert()).empty());
  CHECK(notices_of(distilbert()).empty());
  // What changes nothing is not told: neither training's keys nor those that are null.
  json harmless = bert();
  harmless["hidden_dropout_prob"] = 0.1;
  harmless["transformers_version"] = "5.0";
  harmless["pooler_type"] = "first_token_transform";
  harmless["rope_theta"] = nullptr;
  CHECK(notices_of(harmless).empty());
  CHECK_THAT(notices_of(with(harmless, "n_heads", 3)).at(0), ContainsSubstring("'n_heads'"));

  json odd = bert();
  odd["rope_theta"] = 10000;
  odd["sliding\nwindow"] = {{"size", 3}};
  const std::vector<std::string> told = notices_of(odd);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], StartsWith("config.json: bert models are not known to have"));
  CHECK_THAT(told[0], ContainsSubstring("'rope_theta'"));
  CHECK_THAT(told[0], ContainsSubstring("sliding\\nwindow"));
  // One of another family's is not known, and very many of them are no endless message.
  CHECK_THAT(notices_of(with(distilbert(), "hidden_size", 3)).at(0),
             ContainsSubstring("'hidden_size'"));
  for (int i = 0; i < 100000; ++i) odd["key" + std::to_string(i)] = i;
  CHECK(notices_of(odd).at(0).size() < 1000);
}

TEST_CASE("keys that real checkpoints have are no notice, unless they change something",
          "[config]") {
  json bert_keys = bert();
  for (const char* key : {"emb_size", "cell", "name", "eos_token_ids", "model_max_length"}) {
    bert_keys[key] = 1;
  }
  bert_keys["pruned_heads"] = json::object();
  bert_keys["adapters"] = json::array();
  bert_keys["tokenizer_class"] = "BertTokenizerFast";
  bert_keys["sentence_transformers"] = {{"activation_fn", "torch.nn.modules.activation.Sigmoid"}};
  CHECK(notices_of(bert_keys).empty());
  CHECK(notices_of(with(distilbert(), "tie_weights_", true)).empty());

  const auto told = [](const std::string& key, const json& value, const std::string& says) {
    json config = bert();
    config["architectures"] = {"BertForSequenceClassification"};
    config[key] = value;
    INFO(key);
    REQUIRE(notices_of(config).size() == 1);
    CHECK_THAT(notices_of(config)[0], ContainsSubstring(says));
  };
  told("pruned_heads", {{"1", {0, 2}}}, "'pruned_heads'");
  told("auto_map", {{"AutoModel", "modeling.Model"}}, "auto_map names code");
  told("problem_type", "ranking", "'ranking'");
  told("sentence_transformers", {{"activation_fn", "torch.nn.modules.activation.Tanh"}},
       "the sigmoid of the logit");
  told("sbert_ce_default_activation_function", "my.own.Function", "the sigmoid of the logit");
}

TEST_CASE("a cross-encoder's function is read, and is the sigmoid where nothing says", "[config]") {
  const auto score = [](const char* key, const json& value) {
    return parse(with(bert(), key, value)).pair_score;
  };
  const char* const kOlder = "sbert_ce_default_activation_function";
  const std::string identity = "torch.nn.modules.linear.Identity";
  CHECK(score("other", 1) == PairScore::sigmoid);
  CHECK(score(kOlder, identity) == PairScore::raw);
  CHECK(score(kOlder, "torch.nn.modules.activation.Sigmoid") == PairScore::sigmoid);
  CHECK(score("sentence_transformers", {{"activation_fn", identity}}) == PairScore::raw);
  CHECK(score("sentence_transformers", {{"version", "4.0.1"}}) == PairScore::sigmoid);
}

// The keys of roberta-large-mnli, roberta-base-squad2, CodeBERTa-small-v1, xlm-roberta-base, bge-m3 and camembert-base.
TEST_CASE("keys that people's RoBERTas have are no notice", "[config]") {
  json config = {{"architectures", {"RobertaForSequenceClassification"}},
                 {"model_type", "roberta"},
                 {"attention_probs_dropout_prob", 0.1},
                 {"bos_token_id", 0},
                 {"eos_token_id", 2},
                 {"hidden_act", "gelu"},
                 {"hidden_dropout_prob", 0.1},
                 {"hidden_size", 768},
                 {"initializer_range", 0.02},
                 {"intermediate_size", 3072},
                 {"layer_norm_eps", 1e-5},
                 {"max_position_embeddings", 514},
                 {"num_attention_heads", 12},
                 {"num_hidden_layers", 12},
                 {"pad_token_id", 1},
                 {"type_vocab_size", 1},
                 {"vocab_size", 50265},
                 {"_num_labels", 3},
                 {"id2label", {{"0", "CONTRADICTION"}, {"1", "NEUTRAL"}, {"2", "ENTAILMENT"}}},
                 {"label2id", {{"CONTRADICTION", 0}, {"NEUTRAL", 1}, {"ENTAILMENT", 2}}},
                 {"gradient_checkpointing", false},
                 {"language", "english"},
                 {"name", "Roberta"},
                 {"output_past", true},
                 {"position_embedding_type", "absolute"},
                 {"use_cache", true},
                 {"classifier_dropout", nullptr},
                 {"torch_dtype", "float32"},
                 {"transformers_version", "4.33.0"},
                 {"_name_or_path", ""},
                 {"tokenizer_class", "RobertaTokenizer"},
                 {"problem_type", "multi_label_classification"}};
  CHECK(notices_of(config) == std::vector<std::string>());
  CHECK(parse(config).entailment == 2);
  CHECK(parse(config).max_positions == 512);
  config["model_type"] = "xlm-roberta";
  config["architectures"] = {"XLMRobertaModel"};
  config["tokenizer_class"] = "XLMRobertaTokenizer";
  config["max_position_embeddings"] = 8194;
  CHECK(notices_of(config) == std::vector<std::string>());
  CHECK(parse(config).max_positions == 8192);
  config["model_type"] = "camembert";
  config["architectures"] = {"CamembertForMaskedLM"};
  config["tokenizer_class"] = "CamembertTokenizer";
  CHECK(notices_of(config) == std::vector<std::string>());
}

TEST_CASE("of an object that comes twice the last one counts, whatever the first was", "[config]") {
  const std::string text = bert().dump();
  const std::string twice = text.substr(0, text.size() - 1) +
                            R"(,"feed_forward":1,"feed_forward":{"type":"dense","width":3}})";
  Notices notices;
  parse_config(JsonDocument::parse(twice, "config.json").root(), &notices);
  REQUIRE(notices.list().size() == 1);
  CHECK_THAT(notices.list()[0], ContainsSubstring("'feed_forward.width'"));
}

TEST_CASE("the table of harmless keys for people is that of the code", "[config]") {
  std::ifstream in(source_dir() / "engine/KEYS.md");
  std::ostringstream text;
  text << in.rdbuf();
  for (const HarmlessKeys& group : harmless_keys()) {
    std::string row;
    for (const std::string_view key : group.keys) {
      row += (row.empty() ? "| `" : ", `") + std::string(key) + "`";
    }
    row += " | " + std::string(group.reason) + " |\n";
    INFO(row);
    CHECK(text.str().find(row) != std::string::npos);
  }
}

TEST_CASE("keys inside objects are told by their place", "[config]") {
  const json attention = {{"num_attention_heads", 4}, {"window", 7}};
  const json embedding = {{"vocab_size", 100}, {"max_seq_length", 16}};
  const json arch = {{"hidden_size", 32},      {"num_transformer_layers", 1},
                     {"intermed_size", 64},    {"embedding", embedding},
                     {"attention", attention}, {"sparse_prediction", 0.25},
                     {"layer_macro_type", "x"}};
  const std::vector<std::string> told = notices_of({{"model_type", "crammedBERT"}, {"arch", arch}});
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], ContainsSubstring("'arch.attention.window'"));
  CHECK_THAT(told[0], ContainsSubstring("'arch.layer_macro_type'"));
  CHECK_THAT(told[0], !ContainsSubstring("sparse_prediction"));
}

}  // namespace
}  // namespace sapwood::test
