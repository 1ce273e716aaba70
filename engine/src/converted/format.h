// What reader and writer of a converted file must agree on; README.md in this folder describes it.
#pragma once

namespace sapwood::format {

// Values of sapwood.format_version, .layout and .byte_order. The older version has the vocabulary
// in sapwood.tokenizer, and a tied word embedding twice, of which one copy is left alone.
inline constexpr const char* kVersion = "3";
inline constexpr const char* kOlderVersion = "2";
inline constexpr const char* kLayout = "panels-16";
inline constexpr const char* kByteOrder = "little";

inline constexpr const char* kChecksumKey = "sapwood.checksum";

// The tensor that holds Tokenizer::Parts::vocabulary.
inline constexpr const char* kVocabulary = "tokenizer.vocabulary";

}  // namespace sapwood::format
