#include "texts.h"

#include <string>

#include "errors.h"
#include "sapwood/error.h"

namespace nb = nanobind;

namespace sapwood::python {
namespace {

// Where the first lone surrogate is; the str is known to have one.
std::string surrogate_position(nb::handle text) {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  std::string position = "?";
  if (value != nullptr) {
    const nb::object start = nb::getattr(nb::handle(value), "start", nb::none());
    if (!start.is_none()) position = nb::str(start).c_str();
  }
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(trace);
  return position + " of " + std::to_string(nb::len(text));
}

std::string place(const char* what, std::size_t i) {
  return std::string(what) + "[" + std::to_string(i) + "]";
}

std::string_view view(nb::handle text, const char* what, std::size_t i) {
  if (!PyUnicode_Check(text.ptr())) {
    throw nb::type_error(
        (place(what, i) + ": expected a str, found " + name_of_type(text)).c_str());
  }
  Py_ssize_t size = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) throw nb::python_error();
    throw Error(ErrorCode::invalid_utf8, place(what, i) + ": a lone surrogate at character " +
                                             surrogate_position(text) +
                                             " stands for no text; decode the bytes it came from, "
                                             "or replace it by text.encode('utf-8', 'replace')");
  }
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Texts::Texts(nb::handle list, const char* what) {
  if (!PyList_Check(list.ptr()) && !PyTuple_Check(list.ptr())) {
    throw nb::type_error(
        (std::string(what) + ": expected a list of str, found " + name_of_type(list)).c_str());
  }
  kept_ = nb::steal(PySequence_Tuple(list.ptr()));
  if (!kept_.is_valid()) throw nb::python_error();
  const auto size = static_cast<std::size_t>(PyTuple_Size(kept_.ptr()));
  views_.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    views_.push_back(view(PyTuple_GetItem(kept_.ptr(), static_cast<Py_ssize_t>(i)), what, i));
  }
}

TextPairs::TextPairs(nb::handle texts, nb::handle pairs) : texts_(texts, "texts") {
  if (!pairs.is_none()) pairs_.emplace_back(pairs, "pairs");
  if (!pairs_.empty() && pairs_[0].size() != texts_.size()) {
    throw nb::value_error(("pairs: expected " + std::to_string(texts_.size()) +
                           ", one for each text, found " + std::to_string(pairs_[0].size()))
                              .c_str());
  }
  inputs_.reserve(texts_.size());
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    inputs_.push_back({texts_.views()[i]});
    if (!pairs_.empty()) inputs_.back().pair = pairs_[0].views()[i];
  }
}

}  // namespace sapwood::python
