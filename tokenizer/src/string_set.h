// Leftmost-longest search for a set of strings, in time linear in the text whatever the strings
// are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace sapwood {

// Where a string of a set stands in a text, in symbols.
struct SetMatch {
  uint32_t begin, end;
  int32_t value;  // the string's
};

// Aho and Corasick's automaton over the strings read backwards. Going through a text from its end,
// it knows at every place the longest string that begins there; searching forwards, it would have
// to read again what follows a short match inside a long string that did not match in the end.
template <typename Symbol>
class StringSet {
 public:
  using View = std::basic_string_view<Symbol>;

  StringSet() = default;
  // Strings that are not empty, with their values, which are not negative. The last of equal ones
  // counts.
  explicit StringSet(std::vector<std::pair<View, int32_t>> strings);

  bool empty() const noexcept { return nodes_.empty(); }

  // From left to right: the longest string at the first place that has one, then from its end on.
  // `text`: less than 2^32 symbols.
  void find_all(View text, std::vector<SetMatch>& out) const;

 private:
  // Stands for what some strings end with. Its children, each with a symbol before that, lie one
  // after the other, in the order of their symbols, up to those of the next node.
  struct Node {
    uint32_t first_child = 0;
    uint32_t fail = 0;    // the longest other ending that this one begins with
    int32_t value = -1;   // of the longest string that this ending begins with; -1: none does
    uint32_t length = 0;  // of that string
  };

  // The child of a node by its symbol, or 0.
  uint32_t child(uint32_t node, Symbol symbol) const noexcept;
  void link(uint32_t parent);

  std::vector<Node> nodes_;      // the first is the root; one more at the end
  std::vector<Symbol> symbols_;  // of each node but the last
  bool may_end_[256] = {};       // by the last symbol's low byte: a quick test at the root
};

}  // namespace sapwood
