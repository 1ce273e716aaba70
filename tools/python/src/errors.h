// sapwood::Error as the Python exceptions of sapwood/errors.py.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

namespace sapwood::python {

void bind_errors(nanobind::module_& module);

// The name of an object's type, for messages.
std::string name_of_type(nanobind::handle object);

}  // namespace sapwood::python
