#include "checkpoint/pickle.h"

#include <map>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/quote.h"
#include "checkpoint/file_kind.h"
#include "checkpoint/legacy_pickle.h"
#include "checkpoint/state_dict.h"
#include "checkpoint/unpickle.h"
#include "checkpoint/zip_reader.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

// The pickle holds names and shapes only; 64 MiB is some hundred times what the largest needs.
constexpr std::int64_t kMaxPickleBytes = 64 << 20;

// One archive: finds the state dict and turns its tensors into views of storages.
class Loader {
 public:
  explicit Loader(MappedFile file)
      : label_(file.path().string()),
        file_bytes_(*Size::of(file.size())),
        zip_(file.bytes(), label_) {
    source_.set_path(file.path());
    source_.own(std::move(file));
  }

  TensorSource load() {
    find_prefix();
    check_byte_order();
    const ZipReader::Entry& entry = *zip_.find(prefix_ + "data.pkl");
    if (entry.size > kMaxPickleBytes) {
      fail("data.pkl: expected at most " + std::to_string(kMaxPickleBytes) + " bytes, found " +
           std::to_string(entry.size));
    }
    const auto bytes = zip_.read(entry);
    const Unpickled pickle = unpickle({bytes.get(), static_cast<std::size_t>(entry.size)}, label_);
    add_tensors({pickle, label_, file_bytes_,
                 [this](const std::string& key, const std::string& tensor) {
                   return storage_of(key, tensor);
                 }},
                source_);
    return std::move(source_);
  }

 private:
  // torch.save puts everything into one folder, whose name is the caller's: NAME/data.pkl.
  void find_prefix() {
    constexpr std::string_view kPickle = "data.pkl";
    for (const auto& [name, entry] : zip_.entries()) {
      const std::size_t slash = name.find('/');
      if (slash == std::string::npos || name.substr(slash + 1) != kPickle) continue;
      if (!prefix_.empty()) fail("expected one entry NAME/data.pkl, found two");
      prefix_ = name.substr(0, slash + 1);
    }
    if (prefix_.empty()) fail("expected an entry NAME/data.pkl, as torch.save writes, found none");
  }

  void check_byte_order() {
    const ZipReader::Entry* const entry = zip_.find(prefix_ + "byteorder");
    if (entry == nullptr)
      return;  // PyTorch before 2.1 did not write it, and knew little-endian only
    constexpr std::string_view kLittle = "little";
    const auto bytes = zip_.read(*entry);
    const std::string_view order(reinterpret_cast<const char*>(bytes.get()),
                                 static_cast<std::size_t>(entry->size));
    if (order != kLittle) {
      throw Error(ErrorCode::unsupported, label_ + ": byteorder: expected 'little', found " +
                                              quote(order) +
                                              ": save the checkpoint again as safetensors");
    }
  }

  // A storage is read when the first tensor needs it, and once: tied tensors share it.
  StorageBytes storage_of(const std::string& key, const std::string& name) {
    const auto known = storages_.find(key);
    if (known != storages_.end()) return known->second;
    const ZipReader::Entry* const entry = zip_.find(prefix_ + "data/" + key);
    if (entry == nullptr) {
      fail("tensor " + quote(name) + ": its storage data/" + quote(key) + " is not in the archive");
    }
    auto bytes = zip_.read(*entry);
    const StorageBytes storage{bytes.get(), entry->size};
    source_.own(std::move(bytes));
    return storages_.emplace(key, storage).first->second;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::malformed, label_ + ": " + what);
  }

  std::string label_;
  Size file_bytes_;
  TensorSource source_;  // before zip_, which points into its file
  ZipReader zip_;
  std::string prefix_;  // "archive/"
  std::map<std::string, StorageBytes> storages_;
};

}  // namespace

TensorSource open_pytorch_bin(const std::filesystem::path& path) {
  return open_pytorch_bin(InputFile::open(path));
}

TensorSource open_pytorch_bin(InputFile opened) {
  MappedFile file(std::move(opened));
  const FileKind kind = detect_file_kind(file.bytes());
  if (kind == FileKind::legacy_pickle) return open_legacy_pickle(std::move(file));
  if (kind != FileKind::zip) {
    throw Error(ErrorCode::malformed,
                file.path().string() + ": expected what torch.save writes, found something else" +
                    wrong_kind_hint(file.bytes()));
  }
  return Loader(std::move(file)).load();
}

}  // namespace sapwood
