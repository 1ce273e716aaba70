// The metadata of a converted file: what stands beside its tensors. README.md in this folder
// describes each key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensor_source.h"
#include "sapwood/config.h"
#include "weights/weight_table.h"

namespace sapwood {

// The key under which the file's checksum stands.
inline constexpr const char* kChecksumKey = "sapwood.checksum";
// The tensors that hold Tokenizer::Parts::tables: this, and the table's name.
inline constexpr std::string_view kTokenizerTensor = "tokenizer.";

struct FileMetadata {
  std::string config;  // the model's config.json
  WeightTypes types;
  std::string task;  // the head, for people
  std::int64_t labels = 0;
  std::optional<SentenceConfig> sentence;
  std::optional<std::string> tokenizer;  // Tokenizer::Parts::settings
  std::int64_t parameters = 0;           // of the checkpoint, as the two that follow
  std::string source_dtype, source_sha256;
  std::vector<std::string> unused_tensors;
  bool untied_decoder =
      false;  // a masked-LM head's decoder is a matrix of its own, whatever config.json says

  TensorSource::Metadata to_map() const;

  // `where` is the file's name, for messages. Throws Error unsupported where the file is no
  // converted model or one of another version, malformed where a value is not what it should be.
  static FileMetadata from_map(const TensorSource::Metadata& map, const std::string& where);
};

// The part of from_map that looks at the version alone.
void check_version(const TensorSource::Metadata& map, const std::string& where);

}  // namespace sapwood
