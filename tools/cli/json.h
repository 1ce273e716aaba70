// What the commands' JSON has in common.
#pragma once

#include <string>

#include "base/json_writer.h"
#include "sapwood/error.h"

namespace sapwood::cli {

// A number's text in CSV, as JSON has it but without the fraction of whole numbers.
inline std::string number(float value) {
  std::string out;
  append_json_number(out, value);
  return out;
}

// What stands in the place of an answer.
inline std::string error_json(const Error& error) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("error").begin_object();
  writer.member("code", to_string(error.code())).member("message", error.what());
  writer.end().end();
  return out;
}

}  // namespace sapwood::cli
