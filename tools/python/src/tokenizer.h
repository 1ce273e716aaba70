#pragma once

#include <nanobind/nanobind.h>

namespace sapwood::python {

void bind_tokenizer(nanobind::module_& module);

}  // namespace sapwood::python
