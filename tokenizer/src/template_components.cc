// The post-processors of tokenizer.json.
#include <algorithm>
#include <limits>
#include <map>

#include "base/quote.h"
#include "components.h"

namespace sapwood {
namespace {

class TemplateReader {
 public:
  TemplateReader(const JsonValue& node, const Vocabulary& vocabulary,
                 const std::vector<AddedToken>& added)
      : node_(node), vocabulary_(vocabulary) {
    for (const AddedToken& token : added) added_[token.content] = token.id;
  }

  // The id must be that of the token: a template that says otherwise would give ids whose tokens
  // differ.
  int32_t checked_id(const JsonValue& id_node, std::string_view token) const {
    const auto id =
        static_cast<int32_t>(id_node.integer(0, std::numeric_limits<int32_t>::max() - 1));
    const auto added = added_.find(token);
    if (added != added_.end() && added->second == id) return id;
    if (vocabulary_.has(id) && vocabulary_.token(id) == token) return id;
    id_node.fail(
        "the vocabulary does not have " + quote(token) + " under the id " + std::to_string(id),
        ErrorCode::mismatch);
  }

  TemplatePiece special(std::string_view name, int32_t type_id) const {
    const JsonValue all = node_.at("special_tokens");
    const JsonValue entry = all.at(name);
    const auto ids = entry.at("ids").items(), tokens = entry.at("tokens").items();
    if (ids.size() != tokens.size()) entry.expected("as many ids as tokens");
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
    for (const JsonValue item : node_.at(key).elements()) {
      if (item.has("SpecialToken")) {
        const JsonValue s = item.at("SpecialToken");
        result.push_back(special(s.at("id").string(), type_id(s)));
      } else if (item.has("Sequence")) {
        const JsonValue s = item.at("Sequence");
        const std::string_view id = s.at("id").string();
        if (id != "A" && id != "B") s.at("id").expected("A or B");
        if (id == "B" && !pair) s.at("id").expected("A: a single text has no B");
        (id == "A" ? has_first : has_second) = true;
        TemplatePiece piece;
        piece.sequence = id == "A" ? 0 : 1;
        piece.type_id = type_id(s);
        result.push_back(piece);
      } else {
        item.expected("SpecialToken or Sequence");
      }
    }
    if (!has_first || (pair && !has_second)) {
      node_.at(key).expected(pair ? "a template with both A and B" : "a template with A");
    }
    return result;
  }

 private:
  static int32_t type_id(const JsonValue& node) {
    return static_cast<int32_t>(node.at("type_id").integer(0, std::numeric_limits<int32_t>::max()));
  }

  const JsonValue& node_;
  const Vocabulary& vocabulary_;
  std::map<std::string_view, int32_t> added_;  // ids of the added tokens
};

// Special tokens of BertProcessing and RobertaProcessing: a token and its id.
TemplatePiece special_token(const JsonValue& node, const char* key, const TemplateReader& reader) {
  const auto pair = node.at(key).items();
  if (pair.size() != 2) node.at(key).expected("a token and its id");
  TemplatePiece piece;
  piece.ids.push_back(reader.checked_id(pair[1], pair[0].string()));
  return piece;
}

PostProcessor bert_processing(const TemplatePiece& cls, const TemplatePiece& sep) {
  TemplatePiece sep_pair = sep;
  sep_pair.type_id = 1;
  const TemplatePiece first{0, {}, 0}, second{1, {}, 1};
  return PostProcessor({cls, first, sep}, {cls, first, sep, second, sep_pair});
}

// <s> A </s>, and <s> A </s></s> B </s>, all of type 0.
PostProcessor roberta_processing(const TemplatePiece& cls, const TemplatePiece& sep) {
  const TemplatePiece first{0, {}, 0}, second{1, {}, 0};
  PostProcessor post({cls, first, sep}, {cls, first, sep, sep, second, sep});
  post.set_types_of_windows();
  return post;
}

// Any number of ByteLevel, of which one may trim, and then at most one that has a template.
PostProcessor post_processor_sequence(const JsonValue& node, const Vocabulary& vocabulary,
                                      const std::vector<AddedToken>& added, SpecialIds& special) {
  PostProcessor post;
  std::optional<OffsetTrimmer> trimmer;
  bool has_template = false;
  for (const JsonValue part : node.at("processors").elements()) {
    const std::string_view type = part.at("type").string();
    if (type == "Sequence") refuse_type(part, "post-processor inside a Sequence", type);
    if (has_template) {
      part.fail("the post-processor " + quote(type) +
                    " comes after one with a template, which is not supported",
                ErrorCode::unsupported);
    }
    PostProcessor next = make_post_processor(part, vocabulary, added, special);
    if (next.trimmer() && trimmer) {
      part.fail("offsets are trimmed for the second time, which is not supported",
                ErrorCode::unsupported);
    }
    if (next.trimmer()) trimmer = *next.trimmer();
    has_template = type != "ByteLevel";
    post = std::move(next);
  }
  if (trimmer) post.set_trimmer(std::move(*trimmer));
  return post;
}

}  // namespace

PostProcessor make_post_processor(const JsonValue& node, const Vocabulary& vocabulary,
                                  const std::vector<AddedToken>& added, SpecialIds& special) {
  const std::string_view type = node.at("type").string();
  if (type == "Sequence") return post_processor_sequence(node, vocabulary, added, special);
  const TemplateReader reader(node, vocabulary, added);
  PostProcessor post;
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    const TemplatePiece cls = special_token(node, "cls", reader);
    const TemplatePiece sep = special_token(node, "sep", reader);
    special.cls = cls.ids[0];
    special.sep = sep.ids[0];
    if (type == "BertProcessing") return bert_processing(cls, sep);
    post = roberta_processing(cls, sep);
  } else if (type != "ByteLevel") {
    if (type != "TemplateProcessing") refuse_type(node, "post-processor", type);
    std::vector<TemplatePiece> single = reader.pieces("single", false);
    // What opens and closes a single text are the roles that other parts of the engine know as CLS
    // and SEP.
    if (single.front().ids.size() == 1) special.cls = single.front().ids[0];
    if (single.back().ids.size() == 1) special.sep = single.back().ids[0];
    return PostProcessor(std::move(single), reader.pieces("pair", true));
  }
  if (node.at("trim_offsets").boolean()) {
    post.set_trimmer(OffsetTrimmer(vocabulary, added, node.at("add_prefix_space").boolean()));
  }
  return post;
}

}  // namespace sapwood
