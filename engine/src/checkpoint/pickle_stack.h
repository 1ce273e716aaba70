// The stack of the pickle machine, its memo, and the values that are made on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/pickle_bytes.h"
#include "checkpoint/unpickle.h"

namespace sapwood {

class PickleStack : protected PickleBytes {
 protected:
  using Kind = PickleValue::Kind;

  // A tensor takes some 20 values: enough for 25,000 tensors, far more than an encoder has, and few
  // enough to be harmless.
  static constexpr std::size_t kMaxValues = 1 << 19;
  static constexpr PickleRef kMark = 0xffffffff;  // on the stack only

  using PickleBytes::PickleBytes;

  void push(PickleValue value) {
    if (out_.values.size() == kMaxValues) {
      fail("expected at most " + std::to_string(kMaxValues) + " values, found more");
    }
    stack_.push_back(static_cast<PickleRef>(out_.values.size()));
    out_.values.push_back(std::move(value));
  }

  void push_mark() {
    if (++marks_ > kMaxValues) {
      fail("expected at most " + std::to_string(kMaxValues) + " marks, found more");
    }
    stack_.push_back(kMark);
  }

  void push_integer(std::int64_t value) { push({Kind::integer, value, {}, {}}); }

  PickleRef top() const {
    if (stack_.empty() || stack_.back() == kMark) fail("expected a value on the stack, found none");
    return stack_.back();
  }

  PickleRef pop() {
    const PickleRef ref = top();
    stack_.pop_back();
    return ref;
  }

  const PickleValue& value(PickleRef ref) const { return out_.values[ref]; }

  const PickleValue& pop_value(Kind kind, const char* what) {
    const PickleValue& popped = value(pop());
    if (popped.kind != kind) fail(std::string("expected ") + what + ", found something else");
    return popped;
  }

  std::vector<PickleRef> pop_to_mark() {
    const auto mark = std::find(stack_.rbegin(), stack_.rend(), kMark).base();
    if (mark == stack_.begin()) fail("expected a mark on the stack, found none");
    std::vector<PickleRef> items(mark, stack_.end());
    stack_.erase(mark - 1, stack_.end());
    return items;
  }

  void push_tuple(std::size_t n) {
    std::vector<PickleRef> items(n);
    for (std::size_t i = n; i > 0; --i) items[i - 1] = pop();
    push({Kind::tuple, 0, {}, std::move(items)});
  }

  void append(const std::vector<PickleRef>& items, Kind kind) {
    PickleValue& target = out_.values[top()];
    if (target.kind != kind) fail("items are added to something that is not their container");
    if (kind == Kind::dict && items.size() % 2 != 0) fail("a dict is given a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void memorise(std::uint32_t number) {
    if (number >= kMaxValues) fail("memorises a value under a number that is too large");
    if (number >= memo_.size()) memo_.resize(number + 1, kMark);
    memo_[number] = top();
  }

  // MEMOIZE: under the next number.
  void memorise_next() { memorise(static_cast<std::uint32_t>(memorised_++)); }

  void recall(std::uint32_t number) {
    if (number >= memo_.size() || memo_[number] == kMark) {
      fail("refers to a value that was not memorised");
    }
    // A hostile pickle could grow the stack or a list by recalling one value again and again; real
    // ones recall a few names and keys a tensor.
    if (++recalled_ > kMaxValues) fail("recalls values too often");
    stack_.push_back(memo_[number]);
  }

  bool empty() const noexcept { return stack_.empty(); }

  void push_again(PickleRef ref) { stack_.push_back(ref); }

  Unpickled out_;

 private:
  std::vector<PickleRef> stack_;
  std::vector<PickleRef> memo_;  // kMark where nothing is memorised
  std::size_t memorised_ = 0;    // by MEMOIZE, which numbers by itself
  std::size_t marks_ = 0;
  std::size_t recalled_ = 0;
};

}  // namespace sapwood
