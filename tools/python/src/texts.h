// Python strings as the UTF-8 that the library reads.
#pragma once

#include <nanobind/nanobind.h>

#include <span>
#include <string_view>
#include <vector>

#include "sapwood/tasks.h"

namespace sapwood::python {

// The characters of a list or tuple of str. They stay valid as long as this lives, whatever becomes of the list; it is made and
// destroyed by a thread that holds the interpreter's lock, and read by any.
class Texts {
 public:
  // `what` names the argument in messages. Throws TypeError for another type, for a str in place of a list, and for an element
  // that is no str; Error invalid_utf8 for a lone surrogate.
  Texts(nanobind::handle list, const char* what);

  std::span<const std::string_view> views() const noexcept { return views_; }
  std::size_t size() const noexcept { return views_.size(); }

 private:
  nanobind::object kept_;  // a tuple
  std::vector<std::string_view> views_;
};

// Texts, each alone or with its pair.
class TextPairs {
 public:
  // `pairs`: None, or as many as texts. Throws ValueError for another number.
  TextPairs(nanobind::handle texts, nanobind::handle pairs);

  std::span<const TextInput> inputs() const noexcept { return inputs_; }

 private:
  Texts texts_;
  std::vector<Texts> pairs_;  // none or one
  std::vector<TextInput> inputs_;
};

}  // namespace sapwood::python
