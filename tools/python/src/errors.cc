#include "errors.h"

#include <nanobind/stl/string.h>

#include <map>
#include <string>

#include "sapwood/error.h"

namespace nb = nanobind;

namespace sapwood::python {
namespace {

// The exception class of each ErrorCode, by its name. Never freed: exceptions may come as long as the module is there.
std::map<std::string, nb::object, std::less<>>& classes() {
  static auto* const by_code = new std::map<std::string, nb::object, std::less<>>();
  return *by_code;
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const auto found = classes().find(to_string(error.code()));
    PyErr_SetString(found == classes().end() ? PyExc_RuntimeError : found->second.ptr(),
                    error.what());
  }
}

}  // namespace

std::string name_of_type(nb::handle object) {
  return nb::cast<std::string>(nb::type_name(object.type()));
}

void bind_errors(nb::module_& module) {
  nb::register_exception_translator(translate);
  module.def(
      "use_error",
      [](const std::string& code, nb::object exception) {
        classes().insert_or_assign(code, exception);
      },
      nb::arg("code"), nb::arg("exception"),
      "The exception class for errors of a code, as sapwood::ErrorCode names it.");
}

}  // namespace sapwood::python
