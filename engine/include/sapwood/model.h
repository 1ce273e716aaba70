// A loaded model: configuration, tokenizer and static graph. Immutable and safe to use from many
// threads at once; copies share everything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sapwood/compute.h"
#include "sapwood/config.h"
#include "sapwood/error.h"
#include "sapwood/export.h"
#include "sapwood/model_files.h"
#include "sapwood/named_buffer.h"
#include "sapwood/result.h"
#include "sapwood/sequence.h"
#include "sapwood/threads.h"
#include "sapwood/tokenizer/tokenizer.h"

namespace sapwood {

struct LoadOptions {
  Isa isa = Isa::automatic;  // one that CPU or build lacks is Error isa_unavailable
  // Of the products' weights. automatic is what a converted file holds, and f32 for a directory,
  // whose weights are packed at load. Another type than a converted file holds is Error unsupported.
  WeightType dtype = WeightType::automatic;
  // Converted files: false maps the weights, so that loading takes milliseconds and processes share
  // them; true copies them into memory of their own, on large pages where the system has them: a
  // few percent faster, and safe from a file that is truncated while it is in use.
  bool copy_weights = false;
  // With onednn a text's result may depend, in its last bits, on what else is in the call. Error
  // unsupported where the build has no oneDNN or that no such product here.
  DenseProducts dense = DenseProducts::automatic;
  // Threads one call may use; 0: all of `team`, or all that affinity mask and cgroup quota allow.
  int threads = 1;
  // Whose helpers runs use: one team for several models keeps them from crowding the processors.
  // Unset: a team of the model's own, of `threads`.
  std::optional<Threads> team;
  int batch_tokens =
      4096;               // tokens computed at once: bounds memory; raised to the longest sequence
  bool tokenizer = true;  // false: a directory without a tokenizer will do; text tasks then fail
  std::string name = "memory";  // what messages and Model::path() call a model loaded from memory
};

// The directory or converted file that `name` means: an existing path, else NAME or
// NAME.safetensors in `folders`, in those of $SAPWOOD_MODELS (colon-separated), in share/sapwood/models
// where the library and the program are installed and in the source tree's models/, else what the
// cache of the Hugging Face libraries has of ORG/NAME, of NAME or of one of them @REVISION ($HF_HUB_CACHE,
// else hub in $HF_HOME, else ~/.cache/huggingface/hub). Nothing is ever downloaded.
// A folder without config.json that holds model.safetensors stands for that file; a model's folder
// in a Hugging Face cache (models--ORG--NAME) for its snapshot.
// Throws Error: not_found listing where it looked; malformed and io where the cache is damaged.
SAPWOOD_API std::filesystem::path find_model(std::string_view name,
                                             std::span<const std::filesystem::path> folders = {});

// The models that names are looked up among, in the order in which they are found; those in the
// Hugging Face cache come last, as their folders models--ORG--NAME, whether this version can load them
// or not.
SAPWOOD_API std::vector<std::filesystem::path> list_models(
    std::span<const std::filesystem::path> folders = {});

// The name by which find_model finds what list_models listed.
SAPWOOD_API std::string model_name(const std::filesystem::path& listed);

// A tokenizer without its model.
struct LoadedTokenizer {
  Tokenizer tokenizer;
  std::optional<int> max_length;     // its model's Model::max_length(); unset: nothing there says
  std::vector<std::string> notices;  // as Model::notices()
};

// From a directory (with the model's files or with only a tokenizer's; weights are not read), a
// tokenizer.json, a vocab.txt or a converted file. `options` as in Tokenizer::load. Throws Error as
// Tokenizer::load, and as Model::load for a converted file.
SAPWOOD_API LoadedTokenizer load_tokenizer(const std::filesystem::path& path,
                                           const VocabOptions& options = {});
// From the files of such a directory, as Model::load has them; messages call it "memory".
SAPWOOD_API LoadedTokenizer load_tokenizer(std::span<const NamedBuffer> files,
                                           const VocabOptions& options = {});

// Limits on the tokens of one text.
struct LengthOptions {
  std::optional<int> max_length;  // special tokens included; unset: Model::max_length()
  Truncation truncation = Truncation::longest_first;
  std::optional<Direction> direction;  // the end that is cut; unset: Tokenizer::truncation_side()
  bool parse_special_tokens = true;    // false: "[MASK]" in a text is plain text
};

class SAPWOOD_API Model {
 public:
  // Loads a Hugging Face directory (packed in memory) or a converted file (mapped).
  // Throws Error: not_found, io, malformed, mismatch, unsupported, isa_unavailable, invalid_argument.
  static Model load(const std::filesystem::path& path, const LoadOptions& options = {});
  // The bytes of a converted file. Where they begin at a multiple of 64 bytes and
  // LoadOptions::copy_weights is false, the weights are read where they are: the caller keeps the
  // bytes, unchanged, as long as the model and its copies live. Otherwise they are copied.
  static Model load(std::span<const std::byte> converted, const LoadOptions& options = {});
  // The files of a directory, which may go when this returns. Files that no model has are ignored.
  // Throws Error invalid_argument for a name that is no path inside a directory ("../x"), or that
  // comes twice.
  static Model load(std::span<const NamedBuffer> files, const LoadOptions& options = {});

  const ModelConfig& config() const noexcept;
  const Tokenizer& tokenizer() const;  // throws Error not_found where the model has none
  const std::filesystem::path& path() const noexcept;

  // What a user should know of the model's files and is no error: whole sentences. The library
  // prints nothing.
  const std::vector<std::string>& notices() const noexcept;

  // Tokens of the longest text: sentence_bert_config.json's, else Tokenizer::max_length(), else the
  // positions there are; never more than the positions.
  int max_length() const noexcept;

  // Token ids of a text (and its pair) under the limits. Throws Error invalid_utf8, too_long,
  // invalid_argument.
  Encoding encode(std::string_view text, const LengthOptions& options = {}) const;
  Encoding encode(std::string_view text, std::string_view pair,
                  const LengthOptions& options = {}) const;
  // The same for hot loops, as Tokenizer::encode_into.
  void encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                   const LengthOptions& options = {}) const;
  void encode_into(Encoding& out, EncodeScratch& scratch, std::string_view text,
                   std::string_view pair, const LengthOptions& options = {}) const;

  // Runs the graph over the sequences in batches of at most batch_tokens (of fewer, where that is faster), without padding, and
  // calls sink(i, rows) once for each sequence i in order. The rows of a sequence are bit-identical
  // whatever else is in the call. Throws Error invalid_argument where an id or a length is out of
  // range (before anything is computed), or where the head asked for does not exist.
  using Sink = std::function<void(std::size_t index, const MatrixView& rows)>;
  void run(std::span<const Sequence> sequences, Output output, const Sink& sink) const;

 private:
  friend struct ModelAccess;  // the engine's own parts
  struct SAPWOOD_LOCAL State;
  SAPWOOD_LOCAL explicit Model(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

}  // namespace sapwood
