#include "load/metadata.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/json.h"
#include "base/quote.h"
#include "config/sentence.h"
#include "load/hub_cache.h"

namespace sapwood {
namespace {

using Metadata = TensorSource::Metadata;

constexpr const char* kVersionKey = "sapwood.format_version";
constexpr const char* kVersion = "3";
// The vocabulary stood in sapwood.tokenizer, and a tied word embedding came twice, of which one
// copy is left alone.
constexpr const char* kOlderVersion = "2";
constexpr const char* kLayoutKey = "sapwood.layout";
constexpr const char* kLayout = "panels-16";
constexpr const char* kByteOrderKey = "sapwood.byte_order";
constexpr const char* kByteOrder = "little";

constexpr const char* kConfig = "sapwood.config";
constexpr const char* kDtype = "sapwood.dtype";
constexpr const char* kDecisions = "sapwood.decisions";
constexpr const char* kExceptions = "sapwood.exceptions";
constexpr const char* kTask = "sapwood.task";
constexpr const char* kLabels = "sapwood.labels";
constexpr const char* kSentence = "sapwood.sentence";
constexpr const char* kTokenizer = "sapwood.tokenizer";
constexpr const char* kParameters = "sapwood.parameters";
constexpr const char* kSourceDtype = "sapwood.source_dtype";
constexpr const char* kSourceSha256 = "sapwood.source_sha256";
constexpr const char* kUnused = "sapwood.unused_tensors";
constexpr const char* kUntied = "sapwood.untied_decoder";

constexpr std::int64_t kMaxLabels = 1 << 20;

// The values of one file's metadata by key.
class Reader {
 public:
  Reader(const Metadata& map, const std::string& where) : map_(map), where_(where) {}

  const std::string* find(const char* key) const {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }

  const std::string& at(const char* key) const {
    if (const std::string* value = find(key)) return *value;
    throw Error(ErrorCode::malformed,
                where_ + ": metadata '" + key + "' is missing: convert the model again");
  }

  void expect(const char* key, const char* expected) const {
    if (at(key) == expected) return;
    throw Error(ErrorCode::unsupported, where_ + ": metadata '" + key + "': this version reads '" +
                                            expected + "', found " + quote(at(key)) +
                                            ": convert the model again with this version");
  }

  std::int64_t number(const char* key, std::int64_t most) const {
    const std::string& text = at(key);
    std::int64_t value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > most) {
      throw Error(ErrorCode::malformed, where_ + ": metadata '" + key +
                                            "': expected a whole number from 0 to " +
                                            std::to_string(most) + ", found " + quote(text));
    }
    return value;
  }

  JsonDocument json(const char* key) const {
    return JsonDocument::parse(at(key), where_ + ": " + key);
  }

  kernels::DType type(const char* key) const { return parse_weight_type(at(key), key); }

 private:
  const Metadata& map_;
  const std::string& where_;
};

WeightTypes read_types(const Reader& reader) {
  WeightTypes types{reader.type(kDtype), reader.type(kDecisions), {}};
  if (reader.find(kExceptions) == nullptr) return types;
  const JsonDocument exceptions = reader.json(kExceptions);
  for (const JsonValue exception : exceptions.root().members()) {
    types.exceptions[std::string(exception.key())] =
        parse_weight_type(std::string(exception.string()), exception.path());
  }
  return types;
}

std::vector<std::string> read_unused(const Reader& reader) {
  std::vector<std::string> unused;
  if (reader.find(kUnused) == nullptr) return unused;
  const JsonDocument names = reader.json(kUnused);
  for (const JsonValue name : names.root().elements()) unused.emplace_back(name.string());
  return unused;
}

}  // namespace

Metadata FileMetadata::to_map() const {
  Metadata map = {
      {kVersionKey, kVersion},
      {kLayoutKey, kLayout},
      {kByteOrderKey, kByteOrder},
      {kConfig, config},
      {kDtype, to_string(types.products)},
      {kDecisions, to_string(std::min(types.decision_type, types.products))},
      {kTask, task},
      {kLabels, std::to_string(labels)},
      {kParameters, std::to_string(parameters)},
      {kSourceDtype, source_dtype},
      {kSourceSha256, source_sha256},
  };
  if (!types.exceptions.empty()) {
    JsonWriter writer(map[kExceptions]);
    writer.begin_object();
    for (const auto& [name, type] : types.exceptions) writer.member(name, to_string(type));
    writer.end();
  }
  if (sentence) map[kSentence] = to_json(*sentence);
  if (tokenizer) map[kTokenizer] = *tokenizer;
  if (untied_decoder) map[kUntied] = "1";
  if (!unused_tensors.empty()) JsonWriter(map[kUnused]).value(unused_tensors);
  return map;
}

void check_version(const Metadata& map, const std::string& where) {
  const Reader reader(map, where);
  const std::string* version = reader.find(kVersionKey);
  if (version == nullptr) {
    const std::filesystem::path folder = std::filesystem::path(where).parent_path();
    std::error_code error;
    if (!folder.empty() && !std::filesystem::exists(folder / "config.json", error)) {
      throw explain_partial_download(
          Error(ErrorCode::not_found, where + ": a plain checkpoint, not a converted model, and "
                                              "there is no config.json beside it"),
          folder);
    }
    throw Error(ErrorCode::unsupported,
                where + ": a plain checkpoint, not a converted model; give its directory" +
                    (folder.empty() ? ", or all files of it" : ": " + folder.string()));
  }
  if (*version != kOlderVersion) reader.expect(kVersionKey, kVersion);
  reader.expect(kLayoutKey, kLayout);
  reader.expect(kByteOrderKey, kByteOrder);
}

FileMetadata FileMetadata::from_map(const Metadata& map, const std::string& where) {
  check_version(map, where);
  const Reader reader(map, where);
  FileMetadata metadata;
  metadata.config = reader.at(kConfig);
  metadata.types = read_types(reader);
  if (const std::string* task = reader.find(kTask)) metadata.task = *task;
  metadata.labels = reader.number(kLabels, kMaxLabels);
  if (reader.find(kSentence) != nullptr) {
    const JsonDocument sentence = reader.json(kSentence);
    metadata.sentence = sentence_from_json(sentence.root());
  }
  if (const std::string* tokenizer = reader.find(kTokenizer)) metadata.tokenizer = *tokenizer;
  metadata.parameters = reader.number(kParameters, std::numeric_limits<std::int64_t>::max());
  metadata.source_dtype = reader.at(kSourceDtype);
  metadata.source_sha256 = reader.at(kSourceSha256);
  metadata.unused_tensors = read_unused(reader);
  metadata.untied_decoder = reader.find(kUntied) != nullptr;
  return metadata;
}

}  // namespace sapwood
