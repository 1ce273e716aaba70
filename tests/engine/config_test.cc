// config.json that lies, is incomplete, or asks for what this engine does not have.
#include <sstream>

#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "catch.h"
#include "config/harmless_keys.h"
#include "config/sentence.h"
#include "config_cases.h"

namespace sapwood::test {
namespace {

json distilbert() {
  return {{"model_type", "distilbert"},
          {"architectures", {"DistilBertForSequenceClassification"}},
          {"vocab_size", 100},
          {"dim", 32},
          {"n_layers", 2},
          {"n_heads", 4},
          {"hidden_dim", 64},
          {"max_position_embeddings", 16}};
}

TEST_CASE("a BERT configuration is read field by field", "[config]") {
  const ModelConfig c = parse(bert());
  CHECK(c.architecture == "bert");
  CHECK(c.hidden == 32);
  CHECK(c.head_dim() == 8);
  CHECK(c.feed_forward.kind == FeedForwardKind::dense);
  CHECK(c.feed_forward.width == 64);
  CHECK(c.type_vocab == 2);
}

TEST_CASE("absent fields take transformers' defaults", "[config]") {
  const ModelConfig c = parse({{"model_type", "distilbert"}});
  CHECK(c.hidden == 768);
  CHECK(c.layers == 6);
  CHECK(c.heads == 12);
  CHECK(c.feed_forward.width == 3072);
  CHECK(c.vocab_size == 30522);
  CHECK(c.head == HeadKind::none);
}

TEST_CASE("fast feedforward is a kind of feedforward in every architecture", "[config]") {
  const json ff = {{"type", "fff"}, {"depth", 11}, {"trees", 2}};
  for (const json& base : {bert(), distilbert()}) {
    const ModelConfig c = parse(with(base, "feed_forward", ff));
    CHECK(c.feed_forward.kind == FeedForwardKind::fff);
    CHECK(c.feed_forward.depth == 11);
    CHECK(c.feed_forward.trees == 2);
  }
  check_error(with(bert(), "feed_forward", {{"type", "fff"}}), ErrorCode::malformed, "depth");
  check_error(with(bert(), "feed_forward", {{"type", "fff"}, {"depth", 99}}), ErrorCode::malformed,
              "depth");
  check_error(with(bert(), "feed_forward", {{"type", "fff"}, {"depth", 3}, {"trees", 0}}),
              ErrorCode::malformed, "trees");
  check_error(with(bert(), "feed_forward", {{"type", "moe"}}), ErrorCode::unsupported, "moe");
  check_error(with(bert(), "feed_forward", {{"type", "fff"}, {"depth", 3}, {"leaf_width", 64}}),
              ErrorCode::unsupported, "leaf_width");
}

TEST_CASE("HOSTILE 18: config.json lies", "[config][hostile]") {
  check_error(with(bert(), "num_attention_heads", 5), ErrorCode::mismatch, "num_attention_heads");
  check_error(with(bert(), "num_hidden_layers", 1000000000), ErrorCode::malformed,
              "num_hidden_layers");
  check_error(with(bert(), "num_hidden_layers", 1e18), ErrorCode::malformed, "num_hidden_layers");
  check_error(with(bert(), "num_attention_heads", 0), ErrorCode::malformed, "num_attention_heads");
  check_error(with(bert(), "hidden_size", -32), ErrorCode::malformed, "hidden_size");
  check_error(with(bert(), "hidden_size", 32.5), ErrorCode::malformed, "hidden_size");
  check_error(with(bert(), "hidden_size", "32"), ErrorCode::malformed, "hidden_size");
  check_error(with(bert(), "hidden_size", 18446744073709551615ull), ErrorCode::malformed,
              "hidden_size");
  check_error(with(bert(), "max_position_embeddings", 0), ErrorCode::malformed,
              "max_position_embeddings");
  check_error(with(bert(), "layer_norm_eps", 0), ErrorCode::malformed, "layer_norm_eps");
  check_error(with(bert(), "layer_norm_eps", -1e-12), ErrorCode::malformed, "layer_norm_eps");
  check_error(with(bert(), "layer_norm_eps", "NaN"), ErrorCode::malformed, "layer_norm_eps");
}

TEST_CASE("what the engine does not have is refused by name", "[config]") {
  check_error(with(bert(), "model_type", "bart"), ErrorCode::unsupported, "bart");
  check_error(with(bert(), "architectures", "BertModel"), ErrorCode::malformed, "architectures");
  check_error(with(bert(), "architectures", {1}), ErrorCode::malformed, "architectures");
  check_error(with(bert(), "hidden_act", "mish"), ErrorCode::unsupported, "mish");
  check_error(with(bert(), "alibi_starting_size", 512), ErrorCode::unsupported,
              "alibi_starting_size");
  check_error(with(bert(), "position_embedding_type", "relative_key"), ErrorCode::unsupported,
              "position_embedding_type");
  check_error(with(bert(), "is_decoder", true), ErrorCode::unsupported, "is_decoder");
  check_error(json::array(), ErrorCode::malformed, "config.json");
  check_error({{"hidden_size", 3}}, ErrorCode::malformed, "model_type");
}

TEST_CASE("activations have the names of transformers", "[config]") {
  const auto activation = [](const char* name) {
    return parse(with(bert(), "hidden_act", name)).feed_forward.activation;
  };
  for (const char* name : {"gelu", "gelu_python"}) CHECK(activation(name) == Activation::gelu);
  for (const char* name :
       {"gelu_new", "gelu_fast", "gelu_accurate", "gelu_python_tanh", "gelu_pytorch_tanh"}) {
    CHECK(activation(name) == Activation::gelu_tanh);
  }
  for (const char* name : {"silu", "swish"}) CHECK(activation(name) == Activation::silu);
  CHECK(activation("quick_gelu") == Activation::quick_gelu);
  CHECK(activation("gelu_10") == Activation::gelu_10);
  CHECK(activation("linear") == Activation::none);
}

TEST_CASE("a configuration without model_type is told by its class or its keys", "[config]") {
  const auto family = [](json config) {
    config.erase("model_type");
    return parse(config).architecture;
  };
  CHECK(family(bert()) == "bert");
  CHECK(family(distilbert()) == "distilbert");
  json keys = bert();
  keys.erase("architectures");
  keys["type_vocab_size"] = 2;
  CHECK(family(keys) == "bert");
  keys["type_vocab_size"] = 1;  // as RoBERTa has, whose positions begin elsewhere
  keys.erase("model_type");
  check_error(keys, ErrorCode::malformed, "model_type");
  check_error(with(keys, "architectures", {"T5Model"}), ErrorCode::malformed, "model_type");
}

TEST_CASE("an ELECTRA configuration has tables of their own size and gelu in its heads",
          "[config]") {
  const json absent = {{"model_type", "electra"}};
  CHECK(parse(absent).hidden == 256);
  CHECK(parse(absent).embedding_size == 128);
  CHECK(parse(absent).layers == 12);
  CHECK(parse(absent).heads == 4);
  CHECK(parse(absent).feed_forward.width == 1024);
  CHECK(parse(bert()).embedding_size == parse(bert()).hidden);

  const json relu = with(absent, "hidden_act", "relu");
  const auto head = [&](const char* name) { return parse(with(relu, "architectures", {name})); };
  CHECK(head("ElectraModel").head == HeadKind::none);
  CHECK(head("ElectraForPreTraining").head == HeadKind::replaced_token_detection);
  CHECK(head("ElectraForPreTraining").head_activation == Activation::relu);
  CHECK(head("ElectraForMaskedLM").head_width == 128);
  CHECK(head("ElectraForMaskedLM").head_activation == Activation::gelu);
  CHECK(head("ElectraForSequenceClassification").head_activation == Activation::gelu);
  check_error(with(absent, "embedding_size", 0), ErrorCode::malformed, "embedding_size");
}

TEST_CASE("RoBERTa's families count positions from behind the padding id", "[config]") {
  for (const auto& [type, prefix, vocabulary] :
       {std::tuple{"roberta", "Roberta", 50265}, std::tuple{"xlm-roberta", "XLMRoberta", 30522},
        std::tuple{"camembert", "Camembert", 30522}}) {
    INFO(type);
    const json absent = {{"model_type", type}};
    CHECK(parse(absent).vocab_size == vocabulary);
    CHECK(parse(absent).padding_id == 1);
    CHECK(parse(absent).max_positions == 510);
    const json base = with(with(absent, "max_position_embeddings", 514), "hidden_act", "relu");
    CHECK(parse(base).max_positions == 512);
    CHECK(parse(with(base, "pad_token_id", 0)).max_positions == 513);
    CHECK(parse(with(base, "pad_token_id", 512)).max_positions == 1);

    const auto head = [&](const std::string& name) {
      return parse(with(base, "architectures", {prefix + name}));
    };
    CHECK(head("Model").head == HeadKind::none);
    CHECK(head("ForMaskedLM").head_activation == Activation::gelu);
    CHECK(head("ForSequenceClassification").head_activation == Activation::tanh);
    CHECK(head("ForTokenClassification").head == HeadKind::token_classification);
    CHECK(head("ForQuestionAnswering").head == HeadKind::question_answering);
    check_error(with(base, "architectures", {std::string(prefix) + "ForMultipleChoice"}),
                ErrorCode::unsupported, std::string(prefix) + "ForMaskedLM");
  }
  CHECK_FALSE(parse(with(bert(), "pad_token_id", 7)).padding_id);
}

TEST_CASE("HOSTILE 18: positions that begin behind the end of their table", "[config][hostile]") {
  json roberta = bert();
  roberta["model_type"] = "roberta";
  roberta["architectures"] = {"RobertaModel"};
  CHECK(parse(with(roberta, "pad_token_id", 14)).max_positions == 1);
  check_error(with(roberta, "pad_token_id", 15), ErrorCode::mismatch,
              "max_position_embeddings: positions begin behind pad_token_id, which is 15: expected "
              "at least 17, found 16");
  check_error(with(roberta, "pad_token_id", -1), ErrorCode::malformed, "pad_token_id");
  check_error(with(roberta, "pad_token_id", 100), ErrorCode::malformed, "pad_token_id");
  check_error(with(roberta, "pad_token_id", 1 << 30), ErrorCode::malformed, "pad_token_id");
}

TEST_CASE("an unknown model_type names the families and the nearest one", "[config]") {
  check_error(with(bert(), "model_type", "bart"), ErrorCode::unsupported,
              "'bart' is not supported; these are: bert, distilbert, crammedBERT, electra");
  check_error(with(bert(), "model_type", "distil-bert"), ErrorCode::unsupported,
              "the nearest name is distilbert");
  check_error(with(bert(), "model_type", "CrammedBert"), ErrorCode::unsupported,
              "the nearest name is crammedBERT");
  check_error(with(bert(), "model_type", std::string(1 << 20, 'x')), ErrorCode::unsupported,
              "the nearest name is");
}

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

TEST_CASE("id2label must count from zero, each once", "[config]") {
  CHECK(parse(with(distilbert(), "id2label", {{"0", "NO"}, {"1", "YES"}})).labels ==
        std::vector<std::string>{"NO", "YES"});
  check_error(with(distilbert(), "id2label", {{"1", "A"}, {"2", "B"}}), ErrorCode::malformed,
              "id2label");
  check_error(with(distilbert(), "id2label", {{"0", "A"}, {"00", "B"}}), ErrorCode::malformed,
              "id2label");
  check_error(with(distilbert(), "id2label", {{"0", "A"}, {"-1", "B"}}), ErrorCode::malformed,
              "id2label");
  check_error(with(distilbert(), "id2label", {{"0", json::array()}}), ErrorCode::malformed,
              "id2label");
  // Data sets whose labels are numbers leave them so.
  CHECK(parse(with(distilbert(), "id2label", {{"0", 7}, {"1", 0.5}, {"2", true}})).labels ==
        std::vector<std::string>{"7", "0.5", "True"});
}

TEST_CASE("the head's rows decide how many labels there are", "[config]") {
  ModelConfig c = parse(distilbert());
  resolve_labels(c, 3);
  CHECK(c.labels == std::vector<std::string>{"LABEL_0", "LABEL_1", "LABEL_2"});
  CHECK_THROWS_AS(resolve_labels(c, 2), Error);
}

TEST_CASE("sentence-transformers files choose pooling, norm and length", "[config]") {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const json& value) {
    fs::create_directories((folder.path() / name).parent_path());
    std::ofstream(folder.path() / name) << value;
  };
  const auto read = [](const TemporaryFolder& from) {
    Notices notices;
    return read_sentence_config(Folder::open(from.path()), notices);
  };
  CHECK_FALSE(read(folder).has_value());
  const json transformer = {{"type", "sentence_transformers.models.Transformer"}, {"path", ""}};
  const json pooling = {{"type", "sentence_transformers.models.Pooling"}, {"path", "1_Pooling"}};
  write("modules.json",
        {transformer,
         pooling,
         {{"type", "sentence_transformers.models.Normalize"}, {"path", "2_Normalize"}}});
  write("1_Pooling/config.json",
        {{"pooling_mode_cls_token", true}, {"pooling_mode_mean_tokens", false}});
  write("sentence_bert_config.json", {{"max_seq_length", 12}});
  const SentenceConfig sentence = *read(folder);
  CHECK(sentence.poolings == std::vector{PoolingMode::cls});
  CHECK(sentence.normalize);
  CHECK(sentence.max_seq_length == 12);
  const auto kept = JsonDocument::parse(to_json(sentence), "kept");
  CHECK(sentence_from_json(kept.root()).poolings == std::vector{PoolingMode::cls});

  const std::string pool = "sentence_transformers.models.Pooling";
  for (const char* path : {"../../etc", "/etc", "..", ".hidden", "a/b", "1_Pooling/.."}) {
    INFO(path);
    write("modules.json", {transformer, {{"type", pool}, {"path", path}}});
    CHECK_THROWS_WITH(read(folder), ContainsSubstring("modules.json: [1].path: expected a folder"));
  }
  write("modules.json", {transformer, {{"type", pool}, {"path", "1_Pooling/"}}});
  for (const json& wrong : {json(nullptr), json(1), json("mean"), json::array({1})}) {
    write("1_Pooling/config.json", wrong);
    CHECK_THROWS_WITH(read(folder), ContainsSubstring("1_Pooling/config.json: expected an object"));
  }
  write("1_Pooling/config.json", {{"pooling_mode", "max"}});
  CHECK(read(folder)->poolings == std::vector{PoolingMode::max});
}

}  // namespace
}  // namespace sapwood::test
