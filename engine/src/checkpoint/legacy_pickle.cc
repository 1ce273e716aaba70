#include "checkpoint/legacy_pickle.h"

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "checkpoint/state_dict.h"
#include "checkpoint/unpickle.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

using Kind = PickleValue::Kind;

// The pickle of the magic number: 0x1950a86a20f9469cfc6c.
constexpr std::string_view kMagic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
constexpr std::int64_t kProtocol = 1001;

class LegacyLoader {
 public:
  explicit LegacyLoader(MappedFile file)
      : label_(file.path().string()), file_bytes_(*Size::of(file.size())), rest_(file.bytes()) {
    source_.set_path(file.path());
    source_.own(std::move(file));
  }

  TensorSource load() {
    const auto* const start = reinterpret_cast<const char*>(rest_.data());
    if (!std::string_view(start, rest_.size()).starts_with(kMagic)) {
      fail(
          "expected the magic number of torch.save, found another pickle: save the model's "
          "state_dict() with torch.save, best as safetensors");
    }
    rest_ = rest_.subspan(kMagic.size());
    const Unpickled protocol = next();
    const PickleValue& number = protocol.values[protocol.root];
    if (number.kind != Kind::integer || number.number != kProtocol) {
      fail("expected the protocol " + std::to_string(kProtocol) + ", found another one");
    }
    check_system(next());
    const Unpickled pickle = next();
    find_storages(pickle, next());
    add_tensors({pickle, label_, file_bytes_,
                 [this](const std::string& key, const std::string& tensor) {
                   return storage_of(key, tensor);
                 }},
                source_);
    return std::move(source_);
  }

 private:
  Unpickled next() {
    Unpickled pickle = unpickle(rest_, label_);
    rest_ = rest_.subspan(pickle.bytes);
    return pickle;
  }

  void check_system(const Unpickled& facts) const {
    const PickleValue& dict = facts.values[facts.root];
    if (dict.kind != Kind::dict) fail("expected facts about the system, found another value");
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleValue& key = facts.values[dict.items[i]];
      const PickleValue& value = facts.values[dict.items[i + 1]];
      if (key.kind != Kind::string || key.text != "little_endian") continue;
      if (value.kind == Kind::boolean && value.number != 0) continue;
      throw Error(ErrorCode::unsupported,
                  label_ +
                      ": expected numbers in little-endian order, found another: "
                      "save the checkpoint again as safetensors");
    }
  }

  // Where the bytes of each storage stand, by the keys in their order.
  void find_storages(const Unpickled& pickle, const Unpickled& keys) {
    std::map<std::string_view, const PickleStorage*> known;
    for (const PickleStorage& storage : pickle.storages) known[storage.key] = &storage;
    const PickleValue& list = keys.values[keys.root];
    if (list.kind != Kind::list) fail("expected a list of storages, found another value");
    for (const PickleRef item : list.items) {
      const PickleValue& key = keys.values[item];
      if (key.kind != Kind::string) fail("expected the keys of storages, found another value");
      const auto it = known.find(key.text);
      if (it == known.end())
        fail("storage " + quote(key.text) + ": no tensor says of what type it is");
      take_storage(*it->second);
    }
  }

  void take_storage(const PickleStorage& storage) {
    std::int64_t count = 0;
    if (rest_.size() < sizeof count) fail_cut(storage);
    std::memcpy(&count, rest_.data(), sizeof count);
    rest_ = rest_.subspan(sizeof count);
    const auto elements = Size::of(count);
    const auto bytes =
        elements ? checked_mul(*elements, *Size::of(dtype_size(storage.dtype))) : std::nullopt;
    if (!bytes || *bytes > static_cast<std::int64_t>(rest_.size())) fail_cut(storage);
    const auto size = static_cast<std::size_t>(bytes->get());
    if (!storages_.emplace(storage.key, StorageBytes{rest_.data(), bytes->get()}).second) {
      fail("storage " + quote(storage.key) + " comes twice");
    }
    rest_ = rest_.subspan(size);
  }

  StorageBytes storage_of(const std::string& key, const std::string& tensor) const {
    const auto it = storages_.find(key);
    if (it != storages_.end()) return it->second;
    fail("tensor " + quote(tensor) + ": its storage " + quote(key) + " is not in the file");
  }

  [[noreturn]] void fail_cut(const PickleStorage& storage) const {
    fail("storage " + quote(storage.key) +
         ": the file ends before its elements do; download it again");
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::malformed, label_ + ": " + what);
  }

  std::string label_;
  Size file_bytes_;
  TensorSource source_;
  std::span<const std::byte> rest_;  // of the file, which the source owns
  std::map<std::string, StorageBytes> storages_;
};

}  // namespace

TensorSource open_legacy_pickle(MappedFile file) { return LegacyLoader(std::move(file)).load(); }

}  // namespace sapwood
