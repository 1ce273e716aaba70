#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/large_pages.h"
#include "base/quote.h"
#include "sapwood/error.h"

namespace sapwood {
namespace {

// O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

const char* kind_of(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "something else";
}

// Whether a name leads to a place inside a directory, by no detour.
bool is_inside(std::string_view name) {
  if (name.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

// Of files in memory, those in a directory, by their names inside it.
template <class Buffers>
Buffers below(const Buffers& files, const std::string& directory) {
  Buffers inside;
  const std::string prefix = directory + '/';
  for (auto at = files.lower_bound(prefix); at != files.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    inside.emplace(at->first.substr(prefix.size()), at->second);
  }
  return inside;
}

template <class Buffers>
bool holds(const Buffers& files, const std::string& name) {
  return files.contains(name) || !below(files, name).empty();
}

template <class Buffers>
std::vector<std::string> first_components(const Buffers& files) {
  std::vector<std::string> names;
  for (const auto& [file, bytes] : files) {
    std::string name = file.substr(0, file.find('/'));
    if (name[0] != '.') names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

constexpr std::size_t kLookedAt = 1024;

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char expected, char c) {
           return expected == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
         });
}

}  // namespace

std::string_view not_downloaded(std::string_view start) noexcept {
  if (start.starts_with("version https://git-lfs.")) {
    return "it is a git-lfs pointer, not the file: run 'git lfs pull' in that directory";
  }
  const std::size_t first = start.substr(0, kLookedAt).find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  const std::string_view body = start.substr(first);
  if (starts_with_ignoring_case(body, "<!doctype html") ||
      starts_with_ignoring_case(body, "<html")) {
    return "it is an HTML page, not the file: the download failed, download the file again";
  }
  return {};
}

std::string_view open_hint(int error) noexcept {
  return error == EMFILE || error == ENFILE
             ? " (raise the limit of open files, ulimit -n, or close some)"
             : "";
}

void throw_errno(const std::filesystem::path& path, std::string_view action, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::not_found
                         : error == ENOMEM                   ? ErrorCode::out_of_memory
                                                             : ErrorCode::io;
  std::string message = path.string() + ": ";
  message.append(action).append(": ").append(std::generic_category().message(error));
  throw Error(code, message.append(open_hint(error)));
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

InputFile::InputFile(std::filesystem::path path, FileDescriptor fd)
    : path_(std::move(path)), fd_(std::move(fd)) {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) throw_errno(path_, "cannot stat", errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::io,
                path_.string() + ": expected a regular file, found " + kind_of(status.st_mode));
  }
  id_ = {status.st_dev, status.st_ino};
  size_ = static_cast<std::int64_t>(status.st_size);
}

InputFile InputFile::open(const std::filesystem::path& path) {
  FileDescriptor fd(::open(path.c_str(), kReadFlags));
  if (fd.get() < 0) throw_errno(path, "cannot open", errno);
  return InputFile(path, std::move(fd));
}

InputFile::InputFile(std::filesystem::path name, Memory memory)
    : path_(std::move(name)),
      memory_(std::move(memory)),
      size_(static_cast<std::int64_t>(memory_->bytes.size())) {}

std::size_t InputFile::read_into(char* to, std::size_t count) const {
  if (memory_) {
    count = std::min(count, memory_->bytes.size());
    std::copy_n(reinterpret_cast<const char*>(memory_->bytes.data()), count, to);
    return count;
  }
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::pread(fd_.get(), to + done, count - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(path_, "cannot read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::string InputFile::start(std::size_t count) const {
  std::string text(count, '\0');
  text.resize(read_into(text.data(), count));
  return text;
}

std::string InputFile::read(std::int64_t limit) const {
  if (size_ > limit) {
    throw Error(ErrorCode::malformed, path_.string() + ": expected at most " +
                                          std::to_string(limit) + " bytes, found " +
                                          std::to_string(size_));
  }
  // One byte more than it should have, so that the end is seen; with the room that the JSON reader
  // wants behind the text.
  constexpr std::size_t kRoom = 64;
  std::string text;
  text.reserve(static_cast<std::size_t>(size_) + 1 + kRoom);
  advise_large_pages(text.data(), text.capacity());
  text.resize(static_cast<std::size_t>(size_) + 1);
  if (read_into(text.data(), text.size()) != static_cast<std::size_t>(size_)) {
    throw Error(ErrorCode::io, path_.string() + ": expected " + std::to_string(size_) +
                                   " bytes: the file was changed while it was read");
  }
  text.pop_back();
  if (const std::string_view other = not_downloaded(text); !other.empty()) {
    throw Error(ErrorCode::malformed, path_.string() + ": " + std::string(other));
  }
  return text;
}

Folder::Folder(std::filesystem::path path, FileDescriptor fd)
    : path_(std::move(path)), fd_(std::move(fd)) {}

Folder::Folder(std::filesystem::path path, Buffers memory)
    : path_(std::move(path)), memory_(std::move(memory)) {}

Folder::Folder(std::filesystem::path name, std::span<const NamedBuffer> files)
    : path_(std::move(name)), memory_(Buffers()) {
  for (const NamedBuffer& file : files) {
    const std::string where = path_.string() + ": the file name " + quote(file.name) + ": ";
    if (!is_inside(file.name)) {
      throw Error(ErrorCode::invalid_argument,
                  where +
                      "expected a path inside the model's directory, like config.json or "
                      "1_Pooling/config.json");
    }
    if (!memory_->emplace(file.name, file.bytes).second) {
      throw Error(ErrorCode::invalid_argument, where + "is given twice; give each file once");
    }
  }
  for (const auto& [file, bytes] : *memory_) {
    if (below(*memory_, file).empty()) continue;
    throw Error(ErrorCode::invalid_argument,
                path_.string() + ": the file name " + quote(file) +
                    ": is also a directory's, of other files that are given");
  }
}

Folder Folder::open(const std::filesystem::path& path) {
  FileDescriptor fd(::open(path.c_str(), kFolderFlags));
  if (fd.get() < 0) {
    if (errno == ENOTDIR) {
      throw Error(ErrorCode::io, path.string() + ": expected a directory, found something else");
    }
    throw_errno(path, "cannot open", errno);
  }
  return Folder(path, std::move(fd));
}

bool Folder::has(const std::filesystem::path& name) const {
  if (memory_) return holds(*memory_, name.generic_string());
  struct stat status {};
  if (::fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw_errno(path_ / name, "cannot look up", errno);
}

std::vector<std::string> Folder::names() const {
  if (memory_) return first_components(*memory_);
  // A descriptor of its own: reading moves its position, and closedir closes it.
  FileDescriptor fd(::openat(fd_.get(), ".", kFolderFlags));
  if (fd.get() < 0) throw_errno(path_, "cannot open", errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (!directory) throw_errno(path_, "cannot read", errno);
  fd.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  if (errno != 0) throw_errno(path_, "cannot read", errno);
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<Folder> Folder::find_folder(const std::string& name) const {
  if (memory_) {
    Buffers inside = below(*memory_, name);
    if (inside.empty()) return std::nullopt;
    return Folder(path_ / name, std::move(inside));
  }
  FileDescriptor fd(::openat(fd_.get(), name.c_str(), kFolderFlags));
  if (fd.get() >= 0) return Folder(path_ / name, std::move(fd));
  if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return std::nullopt;
  throw_errno(path_ / name, "cannot open", errno);
}

std::optional<InputFile> Folder::find(const std::filesystem::path& name) const {
  if (memory_) {
    const auto file = memory_->find(name.generic_string());
    if (file == memory_->end()) return std::nullopt;
    return InputFile(path_ / name, {file->second, nullptr});
  }
  FileDescriptor fd(::openat(fd_.get(), name.c_str(), kReadFlags));
  if (fd.get() >= 0) return InputFile(path_ / name, std::move(fd));
  const int error = errno;
  if ((error == ENOENT || error == ENOTDIR) && !has(name)) return std::nullopt;
  if (error == ENOENT) {
    throw Error(ErrorCode::io, (path_ / name).string() + ": is a link that leads nowhere");
  }
  throw_errno(path_ / name, "cannot open", error);
}

InputFile Folder::at(const std::filesystem::path& name) const {
  if (auto file = find(name)) return std::move(*file);
  throw Error(ErrorCode::not_found, (path_ / name).string() + ": no such file");
}

}  // namespace sapwood
