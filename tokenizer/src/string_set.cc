#include "string_set.h"

#include <algorithm>

namespace sapwood {
namespace {

// Strings [begin, end) of the sorted list, which share their last `depth` symbols.
struct Group {
  std::size_t begin, end, depth;
};

}  // namespace

template <typename Symbol>
StringSet<Symbol>::StringSet(std::vector<std::pair<View, int32_t>> strings) {
  if (strings.empty()) return;
  std::stable_sort(strings.begin(), strings.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(a.first.rbegin(), a.first.rend(), b.first.rbegin(),
                                        b.first.rend());
  });
  std::vector<Group> groups{{0, strings.size(), 0}};
  nodes_.push_back({});
  symbols_.push_back({});
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto [begin, end, depth] = groups[i];
    nodes_[i].first_child = static_cast<uint32_t>(nodes_.size());
    for (; begin < end && strings[begin].first.size() == depth; ++begin) {
      nodes_[i].value = strings[begin].second;
      nodes_[i].length = static_cast<uint32_t>(depth);
    }
    const auto symbol = [&, at = depth + 1](std::size_t s) {
      return strings[s].first[strings[s].first.size() - at];
    };
    while (begin < end) {
      std::size_t next = begin + 1;
      while (next < end && symbol(next) == symbol(begin)) ++next;
      nodes_.push_back({});
      symbols_.push_back(symbol(begin));
      groups.push_back({begin, next, depth + 1});
      begin = next;
    }
  }
  const auto count = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({.first_child = count});
  for (uint32_t i = nodes_[0].first_child; i < nodes_[1].first_child; ++i) {
    may_end_[static_cast<uint32_t>(symbols_[i]) & 0xff] = true;
  }
  for (uint32_t i = 1; i < count; ++i) link(i);
}

// The links of a node's children. Parents come before their children, and a link leads to a node
// less deep.
template <typename Symbol>
void StringSet<Symbol>::link(uint32_t parent) {
  for (uint32_t c = nodes_[parent].first_child; c < nodes_[parent + 1].first_child; ++c) {
    uint32_t from = nodes_[parent].fail;
    uint32_t to = child(from, symbols_[c]);
    while (to == 0 && from != 0) {
      from = nodes_[from].fail;
      to = child(from, symbols_[c]);
    }
    nodes_[c].fail = to;
    if (nodes_[c].value >= 0) continue;
    nodes_[c].value = nodes_[to].value;
    nodes_[c].length = nodes_[to].length;
  }
}

template <typename Symbol>
uint32_t StringSet<Symbol>::child(uint32_t node, Symbol symbol) const noexcept {
  const auto begin = symbols_.begin();
  const auto first = begin + nodes_[node].first_child, last = begin + nodes_[node + 1].first_child;
  const auto it = std::lower_bound(first, last, symbol);
  return it != last && *it == symbol ? static_cast<uint32_t>(it - begin) : 0;
}

template <typename Symbol>
void StringSet<Symbol>::find_all(View text, std::vector<SetMatch>& out) const {
  out.clear();
  if (empty()) return;
  uint32_t node = 0;
  for (std::size_t at = text.size(); at > 0;) {
    const Symbol symbol = text[--at];
    if (node == 0 && !may_end_[static_cast<uint32_t>(symbol) & 0xff]) continue;
    uint32_t next = child(node, symbol);
    while (next == 0 && node != 0) {
      node = nodes_[node].fail;
      next = child(node, symbol);
    }
    node = next;
    if (nodes_[node].value < 0) continue;
    const auto begin = static_cast<uint32_t>(at);
    out.push_back({begin, begin + nodes_[node].length, nodes_[node].value});
  }
  std::reverse(out.begin(), out.end());
  uint32_t done = 0;
  std::erase_if(out, [&](const SetMatch& match) {
    if (match.begin < done) return true;
    done = match.end;
    return false;
  });
}

template class StringSet<char>;
template class StringSet<char32_t>;

}  // namespace sapwood
