// A tokenizer without its model.
#include "sapwood/tokenizer/tokenizer.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model.h"
#include "sapwood/model.h"
#include "texts.h"
#include "tokenizer.h"

namespace nb = nanobind;

namespace sapwood::python {
namespace {

nb::dict to_python(const Encoding& encoding) {
  nb::dict dict;
  dict["ids"] = encoding.ids;
  dict["type_ids"] = encoding.type_ids;
  nb::list offsets;
  for (const Offsets& each : encoding.offsets) offsets.append(nb::make_tuple(each.start, each.end));
  dict["offsets"] = offsets;
  nb::list special;
  for (const std::uint8_t each : encoding.special_tokens_mask) special.append(int{each});
  dict["special_tokens_mask"] = special;
  dict["word_ids"] = encoding.word_ids;
  dict["sequence_ids"] = encoding.sequence_ids;
  dict["truncated"] = encoding.truncated;
  nb::list overflowing;
  for (const Encoding& window : encoding.overflowing) overflowing.append(to_python(window));
  dict["overflowing"] = overflowing;
  return dict;
}

nb::list encode(const LoadedTokenizer& loaded, nb::handle list, nb::handle pairs,
                const EncodeOptions& options) {
  const TextPairs texts(list, pairs);
  std::vector<Encoding> encodings;
  {
    const Released released;
    for (const TextInput& input : texts.inputs()) {
      encodings.push_back(input.pair ? loaded.tokenizer.encode(input.text, *input.pair, options)
                                     : loaded.tokenizer.encode(input.text, options));
    }
  }
  nb::list answers;
  for (const Encoding& encoding : encodings) answers.append(to_python(encoding));
  return answers;
}

nb::dict facts(const LoadedTokenizer& loaded) {
  const Tokenizer& tokenizer = loaded.tokenizer;
  nb::dict facts;
  facts["model_type"] = std::string(tokenizer.model_type());
  facts["vocab_size"] = tokenizer.vocab_size();
  facts["max_length"] = loaded.max_length;
  facts["model_max_length"] = tokenizer.model_max_length();
  facts["truncation_side"] = std::string(to_string(tokenizer.truncation_side()));
  facts["clean_up_tokenization_spaces"] = tokenizer.clean_up_tokenization_spaces();
  facts["notices"] = loaded.notices;
  const std::pair<const char*, std::optional<std::int32_t>> specials[] = {
      {"cls_token_id", tokenizer.cls_id()},   {"sep_token_id", tokenizer.sep_id()},
      {"mask_token_id", tokenizer.mask_id()}, {"pad_token_id", tokenizer.pad_id()},
      {"unk_token_id", tokenizer.unk_id()},
  };
  for (const auto& [name, id] : specials) facts[name] = id;
  return facts;
}

void bind_options(nb::module_& module) {
  nb::class_<EncodeOptions>(module, "EncodeOptions")
      .def(nb::init<>())
      .def_rw("add_special_tokens", &EncodeOptions::add_special_tokens)
      .def_rw("max_length", &EncodeOptions::max_length, nb::for_setter(nb::arg("value").none()))
      .def_rw("stride", &EncodeOptions::stride)
      .def_rw("overflowing", &EncodeOptions::overflowing)
      .def_prop_rw(
          "truncation", [](const EncodeOptions& o) { return std::string(to_string(o.truncation)); },
          [](EncodeOptions& o, const std::string& name) {
            o.truncation = from_string<Truncation>(name);
          })
      .def_prop_rw(
          "truncation_side",
          [](const EncodeOptions& o) { return std::string(to_string(o.truncation_direction)); },
          [](EncodeOptions& o, const std::string& name) {
            o.truncation_direction = from_string<Direction>(name);
          });
}

}  // namespace

void bind_tokenizer(nb::module_& module) {
  bind_options(module);
  nb::class_<LoadedTokenizer>(module, "Tokenizer")
      .def_static(
          "load",
          [](const std::string& path) {
            const Released released;
            return load_tokenizer(path);
          },
          nb::arg("path"))
      .def("facts", facts, "What the tokenizer's files say, by name.")
      .def("encode", encode, nb::arg("texts"), nb::arg("pairs").none(), nb::arg("options"))
      .def(
          "decode",
          [](const LoadedTokenizer& loaded, const std::vector<std::int32_t>& ids,
             bool skip_special_tokens) {
            return loaded.tokenizer.decode(ids, skip_special_tokens);
          },
          nb::arg("ids"), nb::arg("skip_special_tokens"))
      .def(
          "join",
          [](const LoadedTokenizer& loaded, const std::vector<std::string>& tokens) {
            return loaded.tokenizer.join(tokens);
          },
          nb::arg("tokens"))
      .def(
          "token",
          [](const LoadedTokenizer& loaded, std::int32_t id) {
            return std::string(loaded.tokenizer.token(id));
          },
          nb::arg("id"))
      .def(
          "id",
          [](const LoadedTokenizer& loaded, const std::string& token) {
            return loaded.tokenizer.id(token);
          },
          nb::arg("token"))
      .def(
          "is_special",
          [](const LoadedTokenizer& loaded, std::int32_t id) {
            return loaded.tokenizer.is_special(id);
          },
          nb::arg("id"));
}

}  // namespace sapwood::python
