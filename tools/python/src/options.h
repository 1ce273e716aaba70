#pragma once

#include <nanobind/nanobind.h>

namespace sapwood::python {

void bind_options(nanobind::module_& module);

}  // namespace sapwood::python
