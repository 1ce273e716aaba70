// The post-processors of tokenizer.json.
#include <algorithm>
#include <limits>

#include "components.h"

namespace sapwood {
namespace {

class TemplateReader {
 public:
  TemplateReader(const JsonNode& node, const Vocabulary& vocabulary,
                 const std::vector<AddedToken>& added)
      : node_(node), vocabulary_(vocabulary), added_(added) {}

  // The id must be that of the token: a template that says otherwise would give ids whose tokens
  // differ.
  int32_t checked_id(const JsonNode& id_node, const std::string& token) const {
    const auto id =
        static_cast<int32_t>(id_node.integer(0, std::numeric_limits<int32_t>::max() - 1));
    for (const AddedToken& a : added_) {
      if (a.content == token && a.id == id) return id;
    }
    if (vocabulary_.has(id) && vocabulary_.token(id) == token) return id;
    throw Error(ErrorCode::mismatch, id_node.name() + ": the vocabulary does not have \"" + token +
                                         "\" under the id " + std::to_string(id));
  }

  TemplatePiece special(const std::string& name, int32_t type_id) const {
    const JsonNode all = node_.at("special_tokens");
    const JsonNode entry = all.at(name.c_str());
    const auto ids = entry.at("ids").items(), tokens = entry.at("tokens").items();
    if (ids.size() != tokens.size()) entry.fail("as many ids as tokens");
    TemplatePiece piece;
    piece.type_id = type_id;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      piece.ids.push_back(checked_id(ids[i], tokens[i].string()));
    }
    return piece;
  }

  std::vector<TemplatePiece> pieces(const char* key, bool pair) const {
    std::vector<TemplatePiece> result;
    bool has_first = false, has_second = false;
    for (const JsonNode& item : node_.at(key).items()) {
      if (item.has("SpecialToken")) {
        const JsonNode s = item.at("SpecialToken");
        result.push_back(special(s.at("id").string(), type_id(s)));
      } else if (item.has("Sequence")) {
        const JsonNode s = item.at("Sequence");
        const std::string id = s.at("id").string();
        if (id != "A" && id != "B") s.at("id").fail("A or B");
        if (id == "B" && !pair) s.at("id").fail("A: a single text has no B");
        (id == "A" ? has_first : has_second) = true;
        TemplatePiece piece;
        piece.sequence = id == "A" ? 0 : 1;
        piece.type_id = type_id(s);
        result.push_back(piece);
      } else {
        item.fail("SpecialToken or Sequence");
      }
    }
    if (!has_first || (pair && !has_second)) {
      node_.at(key).fail(pair ? "a template with both A and B" : "a template with A");
    }
    return result;
  }

 private:
  static int32_t type_id(const JsonNode& node) {
    return static_cast<int32_t>(node.at("type_id").integer(0, std::numeric_limits<int32_t>::max()));
  }

  const JsonNode& node_;
  const Vocabulary& vocabulary_;
  const std::vector<AddedToken>& added_;
};

PostProcessor bert_processing(const JsonNode& node, const TemplateReader& reader) {
  auto token = [&](const char* key) {
    const auto pair = node.at(key).items();
    if (pair.size() != 2) node.at(key).fail("a token and its id");
    TemplatePiece piece;
    piece.ids.push_back(reader.checked_id(pair[1], pair[0].string()));
    return piece;
  };
  TemplatePiece cls = token("cls"), sep = token("sep"), sep_pair = sep;
  sep_pair.type_id = 1;
  const TemplatePiece first{0, {}, 0}, second{1, {}, 1};
  return PostProcessor({cls, first, sep}, {cls, first, sep, second, sep_pair});
}

}  // namespace

PostProcessor make_post_processor(const JsonNode& node, const Vocabulary& vocabulary,
                                  const std::vector<AddedToken>& added, SpecialIds& special) {
  const std::string type = node.at("type").string();
  const TemplateReader reader(node, vocabulary, added);
  std::vector<TemplatePiece> single;
  PostProcessor post;
  if (type == "BertProcessing") {
    post = bert_processing(node, reader);
    special.cls = static_cast<int32_t>(node.at("cls").items()[1].value().get<int64_t>());
    special.sep = static_cast<int32_t>(node.at("sep").items()[1].value().get<int64_t>());
    return post;
  }
  if (type != "TemplateProcessing") {
    throw Error(ErrorCode::unsupported, node.name() + ": the post-processor \"" + type +
                                            "\" is not one that this version knows");
  }
  single = reader.pieces("single", false);
  // What opens and closes a single text are the roles that other parts of the engine know as CLS
  // and SEP.
  if (single.front().ids.size() == 1) special.cls = single.front().ids[0];
  if (single.back().ids.size() == 1) special.sep = single.back().ids[0];
  return PostProcessor(std::move(single), reader.pieces("pair", true));
}

}  // namespace sapwood
