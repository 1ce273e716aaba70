// config.json that lies, is incomplete, or asks for what this engine does not have.
#include "architecture/head.h"
#include "architecture/parse_config.h"
#include "catch.h"
#include "config/sentence.h"
#include "config_cases.h"

namespace sapwood::test {
namespace {

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
