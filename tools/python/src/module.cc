// sapwood._native: the library as the Python modules beside it need it. Not an interface of its own.
#include <nanobind/nanobind.h>

#include "errors.h"
#include "model.h"
#include "options.h"
#include "tasks.h"
#include "tokenizer.h"

NB_MODULE(_native, module) {
  // Objects may be alive when the interpreter ends, as those of every module are.
  nanobind::set_leak_warnings(false);
  sapwood::python::bind_errors(module);
  sapwood::python::bind_model(module);
  sapwood::python::bind_options(module);
  sapwood::python::bind_tasks(module);
  sapwood::python::bind_tokenizer(module);
}
