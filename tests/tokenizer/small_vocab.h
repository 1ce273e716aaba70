// A small BERT vocabulary for the tests.
#pragma once

#include <string>

#include "catch.h"
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood::test {

inline const std::string& small_vocab() {
  static const std::string vocab =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwant\n##want\n##ed\nwa\nun\nrunn\n##ing\n,\nhello\n!"
      "\nhow\nare\n"
      "you\n?\nthe\nof\na\nb\nc\n##a\n##b\n##c\né\nİ\n中\n文\n.\n'\ns\n";
  return vocab;
}

inline VocabOptions options_for(bool lowercase) {
  VocabOptions options;
  options.lowercase = lowercase;
  return options;
}

inline Tokenizer small_tokenizer(bool lowercase = true) {
  return Tokenizer::from_vocab(small_vocab(), options_for(lowercase));
}

template <typename Call>
std::string error_of(Call call, ErrorCode expected) {
  try {
    call();
  } catch (const Error& e) {
    return e.code() == expected
               ? e.what()
               : "wrong code " + std::string(to_string(e.code())) + ": " + e.what();
  }
  return "no error";
}

// Whether error_of() got the expected error and its message says `part`.
inline bool mentions(const std::string& error, const std::string& part) {
  INFO(error);
  return error.find(part) != std::string::npos && error.find("wrong code") != 0;
}

}  // namespace sapwood::test
