// Valid bodies with something changed: an answer or a reason, never a crash.
#include <map>
#include <random>

#include "catch.h"
#include "sanitizer.h"
#include "service.h"

namespace sapwood::test {
namespace {

struct Seed {
  std::string path, body;
};

const std::vector<Seed>& seeds() {
  static const std::vector<Seed> list{
      {"/models/embed/embed",
       R"({"inputs":["a dog","b"],"truncate":true,"normalize":false,"dimensions":8})"},
      {"/models/embed/embed", R"({"inputs":[[101,2023,102],"b"],"truncation_direction":"left"})"},
      {"/models/embed/embed_all", R"({"inputs":"a dog"})"},
      {"/models/embed/similarity",
       R"({"inputs":{"source_sentence":"a","sentences":["b","c"]},"parameters":{"truncate":true}})"},
      {"/models/embed/tokenize", R"({"inputs":["a dog","\u00fc"],"add_special_tokens":false})"},
      {"/models/embed/decode", R"({"ids":[[101,2023,102]],"skip_special_tokens":false})"},
      {"/models/sst2/predict", R"({"inputs":[["a"],["b","c"]],"raw_scores":true})"},
      {"/models/sst2", R"({"inputs":"good","parameters":{"top_k":1,"function_to_apply":"none"}})"},
      {"/models/nli",
       R"({"inputs":"good","parameters":{"candidate_labels":["a","b"],"hypothesis_template":"{}"}})"},
      {"/models/cross/rerank", R"({"query":"a","texts":["b","c"],"return_text":true})"},
      {"/rerank", R"({"query":"a","documents":["b",{"text":"c"}],"top_n":1})"},
      {"/v2/rerank", R"({"model":"cross","query":"a","documents":["b","c"],"top_n":1})"},
      {"/v1/embeddings",
       R"({"input":["a","b"],"model":"embed","encoding_format":"base64","dimensions":4})"},
      {"/api/embed", R"({"model":"embed","input":["a"],"truncate":true})"},
      {"/models/ner", R"({"inputs":"Anna in Rome","parameters":{"aggregation_strategy":"max"}})"},
      {"/models/mlm", R"({"inputs":"a [MASK]","parameters":{"top_k":2}})"},
      {"/models/qa",
       R"({"inputs":{"question":"a?","context":"b c d"},"parameters":{"top_k":2,"doc_stride":4}})"},
      {"/v2/models/embed/infer",
       R"({"inputs":[{"name":"text","shape":[2],"datatype":"BYTES","data":["a","b"]}]})"},
  };
  return list;
}

// One to three changes: a byte, a cut, a doubled piece, or a piece of another body.
std::string mutate(std::string body, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  const std::vector<std::string> pieces{"null", "[]",   "{}",  "\"\"", "-1",     "1e999", "true",
                                        "[[",   "}}",   "\\",  "\"",   "\xff",   "0.5",   "\\ud800",
                                        ",",    "4096", "\0x", "[[]]", "999999", ":"};
  for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
    const std::size_t at = below(body.size() + 1), size = below(12);
    switch (below(5)) {
      case 0:
        if (at < body.size()) body[at] = static_cast<char>(random());
        break;
      case 1:
        body.erase(at, size);
        break;
      case 2:
        body.insert(at, body.substr(at, size));
        break;
      case 3:
        body.replace(at, std::min(size, body.size() - at), pieces[below(pieces.size())]);
        break;
      default: {
        const std::string& other = seeds()[below(seeds().size())].body;
        body.insert(at, other.substr(below(other.size()), size * 3));
      }
    }
  }
  return body;
}

// The statuses seen: a fuzzer whose bodies are all refused for one reason tries nothing.
using Statuses = std::map<int, int>;

void check_reply(const Reply& reply, const std::string& path, const std::string& body,
                 Statuses& statuses) {
  ++statuses[reply.status];
  INFO(path << " " << body);
  const bool known = reply.status == 200 || (reply.status >= 400 && reply.status <= 424);
  CHECK(known);
  CHECK((reply.content_type != "application/json" || Json::accept(reply.body)));
}

TEST_CASE("changed bodies are answered or refused", "[fuzz]") {
  std::vector<std::string> models = kAllModels;
  models.push_back("nli");
  Service service(models);
  for (const Seed& seed : seeds()) {
    INFO(seed.path << " " << seed.body);
    CHECK(service.post_text(seed.path, seed.body).status == 200);
  }
  std::mt19937 random(20261129);
  const int count = sanitized("most of the changed bodies, because each takes long") ? 400 : 6000;
  Statuses statuses;
  for (int i = 0; i < count; ++i) {
    const Seed& seed = seeds()[random() % seeds().size()];
    const std::string body = mutate(seed.body, random);
    check_reply(service.post_text(seed.path, body), seed.path, body, statuses);
  }
  CHECK(statuses[200] > count / 50);
  CHECK(statuses[400] > count / 50);
  CHECK(statuses[422] > count / 50);
}

TEST_CASE("changed tensors are answered or refused", "[fuzz]") {
  Service service({"embed"});
  std::mt19937 random(7);
  const std::string data("\x03\0\0\0abc\x01\0\0\0d", 12);
  const std::string head = Json({{"inputs",
                                  {{{"name", "text"},
                                    {"shape", {2}},
                                    {"datatype", "BYTES"},
                                    {"parameters", {{"binary_data_size", data.size()}}}}}},
                                 {"parameters", {{"binary_data_output", true}}}})
                               .dump();
  Statuses statuses;
  for (int i = 0; i < 1000; ++i) {
    const std::string body = i % 2 == 0 ? mutate(head + data, random) : head + mutate(data, random);
    const std::size_t length = i % 3 == 0 ? random() % (body.size() + 10) : head.size();
    const Reply reply =
        service.post_text("/v2/models/embed/infer", body,
                          {{"inference-header-content-length", std::to_string(length)}});
    check_reply(reply, "infer", body, statuses);
  }
  CHECK(statuses[200] > 10);
  CHECK(statuses[400] > 10);
  CHECK(statuses[422] > 10);
}

}  // namespace
}  // namespace sapwood::test
