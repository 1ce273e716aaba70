// The members of config.json, read by name; who reads them is remembered, so that keys that nobody knows can be told.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sapwood/config.h"

namespace sapwood {

// Bounds that no real model comes near, so that products of them cannot overflow 64 bits.
inline constexpr int kMaxVocabulary = 1 << 24;
inline constexpr int kMaxWidth = 1 << 16;
inline constexpr int kMaxLayers = 1 << 10;
inline constexpr int kMaxPositions = 1 << 20;
inline constexpr double kMostRotaryBase = 1e9;
inline constexpr int kMaxTrees = 1 << 12;
inline constexpr int kMaxDepth = 24;

// A member that is missing gives `fallback` where there is one; so does one that is null, but of whole numbers, epsilons,
// activations and truths that are usual it is an error. Every function throws Error malformed, with the
// member's place, for a value of another type or outside [low, high].
class ConfigFields {
 public:
  explicit ConfigFields(const JsonValue& root);

  bool has(std::string_view key) const;
  bool has_null(std::string_view key) const;  // there, and null
  JsonValue at(std::string_view key) const;
  std::string_view string(std::string_view key) const;
  std::string_view string(std::string_view key, std::string_view fallback) const;
  bool boolean(std::string_view key, bool fallback) const;
  int integer(std::string_view key, int low, int high) const;
  int integer(std::string_view key, int low, int high, int fallback) const;
  // A number in (0, 1): a variance of exactly zero divides by the root of it.
  float epsilon(std::string_view key, float fallback) const;
  // A number in [1, most].
  double positive(std::string_view key, double most, double fallback) const;
  // An activation function by any name that checkpoints give it.
  Activation activation(std::string_view key, std::string_view fallback) const;
  ConfigFields object(std::string_view key) const;

  // Error unsupported about a member, if the condition holds.
  void refuse_if(bool condition, std::string_view key, const std::string& why) const;
  [[noreturn]] void fail_at(std::string_view key, const std::string& problem,
                            ErrorCode code = ErrorCode::malformed) const;

  std::string path() const { return value_.path(); }

  // The keys that nobody asked for, with those of the objects that were read ("arch.norm"), but for harmless ones: the
  // given and those of every family, which are about training, about generating text, or about the file itself.
  std::vector<std::string> unknown(std::span<const std::string_view> harmless) const;

 private:
  using Keys = std::set<std::string, std::less<>>;
  ConfigFields(const JsonValue& value, std::string prefix, std::shared_ptr<Keys> read);
  void note(std::string_view key) const;
  void refuse_null(std::string_view key, const char* expected) const;
  void add_unknown(const JsonValue& object, const std::string& prefix,
                   std::span<const std::string_view> harmless,
                   std::vector<std::string>& unknown) const;

  JsonValue value_;
  std::string prefix_;  // of the object's place: "arch."
  std::shared_ptr<Keys> read_;
};

// "feed_forward": {"type": "fff", "depth": 11, "trees": 1, "dense_width": 0}: trees in place of the dense feedforward of
// any family.
void parse_feed_forward(const ConfigFields& fields, ModelConfig& config);

// Error mismatch unless the heads divide the hidden size; `key` says where the number of heads stands.
void check_heads(const ConfigFields& fields, std::string_view key, const ModelConfig& config);

}  // namespace sapwood
