// Checkpoints as people have them: without the class of the head, under a wrapper's names, with two biases, in formats that
// are not read. What they answer is what the golden checkpoint answers that they were made from.
#include <cstring>

#include "catch.h"
#include "mutate.h"
#include "sapwood/convert.h"
#include "sapwood/tasks.h"

namespace sapwood::test {
namespace {

// Each head of each family, by a checkpoint that has it.
constexpr const char* kHeads[] = {"distilbert-sentiment-f16",
                                  "bert-pair-bf16",
                                  "electra-sentiment",
                                  "distilbert-ner-cased",
                                  "bert-ner-vocab-cased",
                                  "electra-ner-cased",
                                  "distilbert-qa",
                                  "bert-qa",
                                  "electra-qa",
                                  "distilbert-mlm",
                                  "bert-mlm-bin",
                                  "electra-generator",
                                  "electra-discriminator",
                                  "bert-base-sharded"};

using Tensors = std::vector<EditedTensor>;

void keep(Tensors&, TensorSource::Metadata&) {}

// The model's rows for a few token ids: hidden states, and the head's where there is one.
std::vector<float> rows_of(const Model& model) {
  const std::vector<std::int32_t> ids = {2, 11, 23, 42, 3}, selected = {1, 3};
  std::vector<float> all;
  const auto take = [&](std::size_t, const MatrixView& rows) {
    for (int i = 0; i < rows.rows; ++i) {
      const auto row = rows.row(i);
      all.insert(all.end(), row.begin(), row.end());
    }
  };
  Sequence sequence{.ids = ids};
  if (model.config().head == HeadKind::masked_lm) sequence.selected = selected;
  model.run(std::span(&sequence, 1), Output::hidden, take);
  if (model.config().head != HeadKind::none) {
    model.run(std::span(&sequence, 1), Output::head, take);
  }
  return all;
}

bool told(const Model& model, const std::string& part) {
  const auto& notices = model.notices();
  return std::any_of(notices.begin(), notices.end(), [&](const std::string& notice) {
    return notice.find(part) != std::string::npos;
  });
}

void prefix_all(Tensors& tensors, const std::string& prefix) {
  for (EditedTensor& tensor : tensors) tensor.name.insert(0, prefix);
}

}  // namespace

TEST_CASE("variants: a head is used where its tensors are, whatever `architectures` says") {
  const json own = {"OwnModel"}, values[] = {nullptr, json::array(), own};
  for (const char* name : kHeads) {
    const Model whole = Model::load(golden_dir() / name);
    for (std::size_t i = 0; i <= std::size(values); ++i) {
      INFO(name << " " << (i == 0 ? "absent" : values[i - 1].dump()));
      const TemporaryFolder folder;
      copy_model(golden_dir() / name, folder.path(), keep);
      edit_config(folder.path(), [&](json& config) {
        config.erase("architectures");
        if (i > 0) config["architectures"] = values[i - 1];
      });
      const Model model = Model::load(folder.path());
      CHECK(to_string(model.config().head) == to_string(whole.config().head));
      CHECK(model.config().labels == whole.config().labels);
      CHECK(rows_of(model) == rows_of(whole));
      const bool has_head = whole.config().head != HeadKind::none;
      CHECK(told(model, "architectures names") == (has_head || i == std::size(values)));
      if (i > 0) continue;
      const fs::path file = folder.path() / "converted";
      convert(folder.path(), file);
      const Model converted = Model::load(file);
      CHECK(to_string(converted.config().head) == to_string(whole.config().head));
      CHECK(rows_of(converted) == rows_of(whole));
    }
  }
}

TEST_CASE("variants: classes whose classifier judges something else are loaded without it") {
  for (const char* name : {"BertForMultipleChoice", "BertForNextSentencePrediction"}) {
    const TemporaryFolder folder;
    copy_model(golden_dir() / "bert-pair-bf16", folder.path(), keep);
    edit_config(folder.path(), [&](json& config) { config["architectures"] = {name}; });
    const Model model = Model::load(folder.path());
    CHECK(model.config().head == HeadKind::none);
    CHECK(told(model, name));
    CHECK(rows_of(model).size() > 0);
  }
}

TEST_CASE("variants: the names that a wrapper left are passed over and told") {
  for (const char* name : {"bert-base-sharded", "distilbert-qa", "bert-mlm-bin"}) {
    const Model whole = Model::load(golden_dir() / name);
    for (const char* prefix : {"module.", "model.", "0.auto_model.", "_orig_mod.module.",
                               "question_encoder.bert_model."}) {
      INFO(name << " " << prefix);
      const TemporaryFolder folder;
      copy_model(golden_dir() / name, folder.path(),
                 [&](Tensors& tensors, auto&) { prefix_all(tensors, prefix); });
      const Model model = Model::load(folder.path());
      CHECK(to_string(model.config().head) == to_string(whole.config().head));
      CHECK(rows_of(model) == rows_of(whole));
      CHECK(told(model, std::string("'") + prefix + "'"));
    }
  }
}

TEST_CASE("variants: a prefix that is not known, and two models in one checkpoint, are named") {
  const TemporaryFolder folder;
  copy_model(golden_dir() / "bert-base-sharded", folder.path(),
             [](Tensors& tensors, auto&) { prefix_all(tensors, "tower.left."); });
  check_load_error(folder.path(), ErrorCode::mismatch, {"'tower.left.'", "state_dict"});
  copy_model(golden_dir() / "bert-base-sharded", folder.path(), [](Tensors& tensors, auto&) {
    Tensors both = tensors;
    prefix_all(tensors, "question_encoder.bert_model.");
    prefix_all(both, "ctx_encoder.bert_model.");
    tensors.insert(tensors.end(), both.begin(), both.end());
  });
  check_load_error(folder.path(), ErrorCode::mismatch,
                   {"'ctx_encoder.bert_model.'", "'question_encoder.bert_model.'"});
}

TEST_CASE("variants: of two biases of a masked-LM head the decoder's own counts") {
  const fs::path source = golden_dir() / "bert-mlm-bin";
  const Model whole = Model::load(source);
  for (const bool tied : {true, false}) {
    INFO("tied " << tied);
    const TemporaryFolder folder;
    copy_model(source, folder.path(), [&](Tensors& tensors, auto&) {
      std::erase_if(tensors, [](const EditedTensor& t) {
        return t.name == "cls.predictions.decoder.bias" ||
               t.name == "cls.predictions.decoder.weight";
      });
      EditedTensor bias = find(tensors, "cls.predictions.bias");
      EditedTensor weight = find(tensors, "bert.embeddings.word_embeddings.weight");
      bias.name = "cls.predictions.decoder.bias";
      weight.name = "cls.predictions.decoder.weight";
      EditedTensor& other = find(tensors, "cls.predictions.bias");
      std::fill(other.bytes.begin(), other.bytes.end(), std::byte{0});
      tensors.push_back(std::move(bias));
      tensors.push_back(std::move(weight));
    });
    edit_config(folder.path(), [&](json& config) { config["tie_word_embeddings"] = tied; });
    const Model model = Model::load(folder.path());
    CHECK(rows_of(model) == rows_of(whole));
    CHECK(model.config().tied_decoder == tied);
    REQUIRE(model.notices().size() == 1);
    CHECK(told(model, "differ; the first counts"));
  }
}

TEST_CASE("variants: a decoder that is not the word embedding it is said to be counts") {
  const fs::path source = golden_dir() / "bert-mlm-bin";
  std::vector<float> rows[2];
  for (const bool tied : {true, false}) {
    const TemporaryFolder folder;
    copy_model(source, folder.path(), [&](Tensors& tensors, auto&) {
      std::erase_if(tensors, [](const EditedTensor& t) {
        return t.name == "cls.predictions.decoder.weight";
      });
      EditedTensor weight = find(tensors, "bert.embeddings.word_embeddings.weight");
      weight.name = "cls.predictions.decoder.weight";
      std::rotate(weight.bytes.begin(), weight.bytes.begin() + 4, weight.bytes.end());
      tensors.push_back(std::move(weight));
    });
    edit_config(folder.path(), [&](json& config) { config["tie_word_embeddings"] = tied; });
    const Model model = Model::load(folder.path());
    CHECK_FALSE(model.config().tied_decoder);
    CHECK(told(model, "differs from the word embedding") == tied);
    rows[tied ? 1 : 0] = rows_of(model);
    convert(folder.path(), folder.path() / "converted");
    CHECK(rows_of(Model::load(folder.path() / "converted")) == rows[tied ? 1 : 0]);
  }
  CHECK(rows[0] == rows[1]);
  CHECK(rows[0] != rows_of(Model::load(source)));
}

TEST_CASE(
    "variants: a pair on a model with one token type is an error, unless its tokenizer has no "
    "types") {
  for (const bool told_types : {true, false}) {
    const TemporaryFolder folder;
    copy_model(golden_dir() / "bert-cross-encoder", folder.path(), [](Tensors& tensors, auto&) {
      EditedTensor& types = find(tensors, "bert.embeddings.token_type_embeddings.weight");
      types.bytes.resize(types.bytes.size() / 2);
      types.shape[0] = 1;
    });
    edit_config(folder.path(), [](json& config) { config["type_vocab_size"] = 1; });
    if (!told_types) {
      json settings = read_json(folder.path() / "tokenizer_config.json");
      settings["model_input_names"] = {"input_ids", "attention_mask"};
      std::ofstream(folder.path() / "tokenizer_config.json") << settings;
    }
    const Model model = Model::load(folder.path());
    const TextInput pair{"a tree", "drinks"}, single{"a tree"};
    CHECK(classify(model, std::span(&single, 1))[0]);
    const auto answer = classify(model, std::span(&pair, 1));
    CHECK(static_cast<bool>(answer[0]) == !told_types);
    if (told_types) {
      CHECK(answer[0].error().code() == ErrorCode::mismatch);
      CHECK_THAT(answer[0].error().what(), ContainsSubstring("token type 1"));
    }
  }
}

TEST_CASE("variants: the tokenizer's files say how long a text may be and where it is cut") {
  const TemporaryFolder folder;
  copy_model(golden_dir() / "bert-cross-encoder", folder.path(), keep);
  json settings = read_json(folder.path() / "tokenizer_config.json");
  settings["truncation_side"] = "left";
  settings["model_max_length"] = 9;
  std::ofstream(folder.path() / "tokenizer_config.json") << settings;
  json tokenizer = read_json(folder.path() / "tokenizer.json");
  tokenizer["truncation"] = {
      {"direction", "Right"}, {"max_length", 5}, {"strategy", "LongestFirst"}, {"stride", 0}};
  std::ofstream(folder.path() / "tokenizer.json") << tokenizer;
  const Model model = Model::load(folder.path());
  CHECK(model.max_length() == 9);
  const std::string text = "one two three four five six seven eight nine ten";
  const auto cut = model.encode(text).ids;
  CHECK(cut == model.encode(text, LengthOptions{.direction = Direction::left}).ids);
  CHECK(cut != model.encode(text, LengthOptions{.direction = Direction::right}).ids);
  convert(folder.path(), folder.path() / "converted");
  const Model converted = Model::load(folder.path() / "converted");
  CHECK(converted.max_length() == 9);
  CHECK(converted.encode(text).ids == cut);
  // Without a configuration the section is all that there is.
  fs::remove(folder.path() / "tokenizer_config.json");
  CHECK(Model::load(folder.path()).max_length() == 5);
}

TEST_CASE("variants: weights of formats that are not read are named") {
  const auto refused = [](const std::string& name, const std::string& format) {
    INFO(name);
    const TemporaryFolder folder;
    fs::copy(golden_dir() / "distilbert-base" / "config.json", folder.path() / "config.json");
    fs::create_directories((folder.path() / name).parent_path());
    std::ofstream(folder.path() / name) << "x";
    check_load_error(folder.path(), ErrorCode::unsupported,
                     {"'" + name + "' (" + format + ")", "model.safetensors"});
  };
  refused("model.onnx", "ONNX");
  refused("onnx/model_quantized.onnx", "ONNX");
  refused("tf_model.h5", "TensorFlow");
  refused("flax_model.msgpack", "Flax");
  refused("openvino/openvino_model.xml", "OpenVINO");
  const TemporaryFolder empty;
  fs::copy(golden_dir() / "distilbert-base" / "config.json", empty.path() / "config.json");
  check_load_error(empty.path(), ErrorCode::not_found, {"model.safetensors", "download"});
}

}  // namespace sapwood::test
