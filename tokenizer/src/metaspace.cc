#include "metaspace.h"

#include "base/quote.h"
#include "components.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

PrependScheme read_scheme(const JsonValue& node) {
  if (!node.has("prepend_scheme")) return PrependScheme::always;
  const std::string_view name = node.at("prepend_scheme").string();
  if (name == "always") return PrependScheme::always;
  if (name == "first") return PrependScheme::first;
  if (name == "never") return PrependScheme::never;
  node.at("prepend_scheme").expected("\"always\", \"first\" or \"never\"");
}

}  // namespace

void MetaspacePreTokenizer::rewrite(const Text& text, Range range, Call&, Text& result,
                                    std::vector<Range>& out) const {
  const char32_t replacement = options_.replacement;
  const auto replaced = [&](char32_t c) { return c == U' ' ? replacement : c; };
  const Span first = text.spans[range.begin];
  const bool prepend = options_.prepend == PrependScheme::always ||
                       (options_.prepend == PrependScheme::first && first.start == 0);
  std::size_t begin = result.size();
  if (prepend && replaced(text.chars[range.begin]) != replacement) result.push(replacement, first);
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const char32_t c = replaced(text.chars[i]);
    if (options_.split && c == replacement && result.size() > begin) {
      out.push_back({begin, result.size()});
      begin = result.size();
    }
    result.push(c, text.spans[i]);
  }
  out.push_back({begin, result.size()});
}

MetaspaceOptions read_metaspace(const JsonValue& node) {
  MetaspaceOptions options;
  options.replacement = one_character(node.at("replacement"));
  options.prepend = read_scheme(node);
  options.split = node.boolean("split", true);
  if (!node.boolean("add_prefix_space", true)) {
    // The key of older files. As in the reference, it counts only where the newer one agrees.
    if (options.prepend != PrependScheme::never) {
      node.at("add_prefix_space")
          .fail("false, but prepend_scheme is " +
                (node.has("prepend_scheme") ? quote(node.at("prepend_scheme").string())
                                            : std::string("\"always\" where it is not given")) +
                "; expected prepend_scheme \"never\"");
    }
  }
  return options;
}

}  // namespace sapwood
