#include "checkpoint/zip_reader.h"

#include <zip.h>

#include <new>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/quote.h"
#include "checkpoint/safetensors.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

constexpr std::int64_t kMaxEntries = 2 * kMaxTensors;  // a storage a tensor, and a few small ones

class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError() { zip_error_fini(&error_); }
  zip_error_t* get() noexcept { return &error_; }
  std::string text() { return zip_error_strerror(&error_); }
  bool out_of_memory() const noexcept { return zip_error_code_zip(&error_) == ZIP_ER_MEMORY; }

 private:
  zip_error_t error_;
};

struct EntryCloser {
  void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
};

}  // namespace

void ZipReader::Closer::operator()(zip* archive) const noexcept { zip_discard(archive); }

ZipReader::ZipReader(std::span<const std::byte> archive, std::string label)
    : label_(std::move(label)) {
  // libzip calls some failed allocations "not a zip archive": a second try must say so too.
  for (int attempt = 0; archive_ == nullptr; ++attempt) {
    ZipError error;
    zip_source_t* const source =
        zip_source_buffer_create(archive.data(), archive.size(), /*freep=*/0, error.get());
    if (source == nullptr) throw std::bad_alloc();
    archive_.reset(zip_open_from_source(source, ZIP_RDONLY, error.get()));
    if (archive_ != nullptr) break;
    zip_source_free(source);  // a successful open would have taken it over
    if (error.out_of_memory()) throw std::bad_alloc();
    if (attempt == 0) continue;
    throw Error(ErrorCode::malformed, label_ + ": zip archive: " + error.text() +
                                          ": the file is damaged or was cut short");
  }

  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  if (count > kMaxEntries) {
    throw Error(ErrorCode::malformed, label_ + ": zip archive: expected at most " +
                                          std::to_string(kMaxEntries) + " entries, found " +
                                          std::to_string(count));
  }
  std::optional<Size> total = Size();
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    constexpr zip_uint64_t kWanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                     ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), 0, &stat) != 0 ||
        (stat.valid & kWanted) != kWanted) {
      if (zip_error_code_zip(zip_get_error(archive_.get())) == ZIP_ER_MEMORY)
        throw std::bad_alloc();
      throw Error(ErrorCode::malformed,
                  label_ + ": zip archive: entry " + std::to_string(i) + " cannot be read");
    }
    const std::string where = label_ + ": zip entry " + quote(stat.name) + ": ";
    if (stat.comp_method != ZIP_CM_STORE || stat.encryption_method != ZIP_EM_NONE) {
      throw Error(ErrorCode::unsupported,
                  where +
                      "is compressed or encrypted; torch.save stores entries plainly: save the "
                      "checkpoint again with torch.save, or as safetensors");
    }
    const auto size = Size::of(stat.size);
    total = size && total ? checked_add(*total, *size) : std::nullopt;
    if (stat.size != stat.comp_size || !total ||
        *total > static_cast<std::int64_t>(archive.size())) {
      throw Error(ErrorCode::malformed, where + "claims " + std::to_string(stat.size) +
                                            " bytes, more than the archive can hold");
    }
    if (!entries_.try_emplace(stat.name, Entry{static_cast<std::uint64_t>(i), size->get()})
             .second) {
      throw Error(ErrorCode::malformed, where + "appears twice");
    }
  }
}

ZipReader::~ZipReader() = default;

const ZipReader::Entry* ZipReader::find(std::string_view name) const noexcept {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second;
}

std::unique_ptr<std::byte[]> ZipReader::read(const Entry& entry) const {
  const auto fail = [&](zip_error_t* error, const char* why) {
    if (error != nullptr && zip_error_code_zip(error) == ZIP_ER_MEMORY) throw std::bad_alloc();
    if (error != nullptr) why = zip_error_strerror(error);
    throw Error(ErrorCode::malformed, label_ + ": zip entry " + std::to_string(entry.index) +
                                          ": cannot be read (" + why +
                                          "): the file is damaged or was cut short");
  };
  const std::unique_ptr<zip_file_t, EntryCloser> file(
      zip_fopen_index(archive_.get(), entry.index, 0));
  if (file == nullptr) fail(zip_get_error(archive_.get()), "");
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(entry.size));
  std::int64_t done = 0;
  while (done < entry.size) {
    const zip_int64_t got =
        zip_fread(file.get(), bytes.get() + done, static_cast<zip_uint64_t>(entry.size - done));
    if (got <= 0) fail(got < 0 ? zip_file_get_error(file.get()) : nullptr, "too few bytes");
    done += got;
  }
  // The CRC is compared at the end of the entry, which only a further read reaches.
  std::byte rest;
  const zip_int64_t end = zip_fread(file.get(), &rest, 1);
  if (end != 0) fail(end < 0 ? zip_file_get_error(file.get()) : nullptr, "too many bytes");
  return bytes;
}

}  // namespace sapwood
