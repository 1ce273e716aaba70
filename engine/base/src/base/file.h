// Files from outside, opened once and by descriptor: everything that is asked of a file afterwards
// (its kind, its size, its bytes, which file it is) is asked of what was opened, so that nobody can
// exchange it in between. Bytes in memory can stand for a file, and named ones for a directory.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sapwood/named_buffer.h"

namespace sapwood {

// What to do where no more files can be opened, in brackets; empty for any other errno.
std::string_view open_hint(int error) noexcept;

// Throws Error for an errno: not_found where there is no such file, out_of_memory, else io. The
// message is "PATH: ACTION: the system's own words".
[[noreturn]] void throw_errno(const std::filesystem::path& path, std::string_view action,
                              int error);

// What stands in a file's place, and what to do, where a download left something else: a git-lfs pointer or an HTML
// page. Empty for any other start of a file.
std::string_view not_downloaded(std::string_view start) noexcept;

// Closes what it holds.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Which file it is, whatever it is called.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const FileId&) const = default;
};

// The most that files of a kind may hold. They are far above what real models have, and small
// enough that reading a wrong file harms nobody.
inline constexpr std::int64_t kMaxConfigBytes = 16 << 20;      // config.json and its companions
inline constexpr std::int64_t kMaxTokenizerBytes = 256 << 20;  // tokenizer.json, vocab.txt
inline constexpr std::int64_t kMaxIndexBytes = 100'000'000;    // *.index.json

// A regular file that is open for reading, or bytes in memory that stand for one.
class InputFile {
 public:
  struct Memory {
    std::span<const std::byte> bytes;
    std::shared_ptr<const void> owner;  // null: the bytes outlive all that is made of the file
  };

  // Errors: not_found; io where the system refuses, or where it is not a regular file (a directory,
  // a FIFO, a device: refused at once, without waiting).
  static InputFile open(const std::filesystem::path& path);
  // `name` is what messages call it.
  InputFile(std::filesystem::path name, Memory memory);

  const std::filesystem::path& path() const noexcept { return path_; }
  FileId id() const noexcept { return id_; }             // of a file in memory none
  std::int64_t size() const noexcept { return size_; }   // bytes, when it was opened
  int descriptor() const noexcept { return fd_.get(); }  // of a file in memory -1
  const std::optional<Memory>& memory() const noexcept { return memory_; }

  // The first bytes, at most `count` of them. Error io.
  std::string start(std::size_t count) const;

  // The whole file. Errors: malformed where it has more than `limit` bytes, or is what a failed
  // download left (not_downloaded); io, also where it was cut or grew since it was opened.
  std::string read(std::int64_t limit) const;

 private:
  friend class Folder;
  InputFile(std::filesystem::path path, FileDescriptor fd);
  std::size_t read_into(char* to, std::size_t count) const;

  std::filesystem::path path_;
  FileDescriptor fd_;
  std::optional<Memory> memory_;
  FileId id_;
  std::int64_t size_ = 0;
};

// A model's directory, opened once; its files are looked up in what was opened. Or files in memory
// that stand for one.
class Folder {
 public:
  // Errors: not_found; io, also where it is no directory.
  static Folder open(const std::filesystem::path& path);
  // `name` is what messages call the directory; the bytes outlive it and what is made of its files.
  // Error invalid_argument for a name that is no path inside a directory, or that comes twice.
  Folder(std::filesystem::path name, std::span<const NamedBuffer> files);

  const std::filesystem::path& path() const noexcept { return path_; }
  bool in_memory() const noexcept { return memory_.has_value(); }

  // The file of this name ("config.json", "1_Pooling/config.json"), or nothing where there is none.
  // A link that leads nowhere is Error io, not not_found, because callers may do without a file
  // that is missing; other errors as InputFile::open.
  std::optional<InputFile> find(const std::filesystem::path& name) const;

  // The same, but a file that is missing is Error not_found.
  InputFile at(const std::filesystem::path& name) const;

  // The names of what is in the folder, sorted; what begins with a dot is left out. Error io.
  std::vector<std::string> names() const;

  // A folder in this one, or nothing where there is none. Errors as open.
  std::optional<Folder> find_folder(const std::string& name) const;

  // Whether there is something of this name, a link that leads nowhere included. Error io.
  bool has(const std::filesystem::path& name) const;

 private:
  using Buffers = std::map<std::string, std::span<const std::byte>, std::less<>>;

  Folder(std::filesystem::path path, FileDescriptor fd);
  Folder(std::filesystem::path path, Buffers memory);

  std::filesystem::path path_;
  FileDescriptor fd_;
  std::optional<Buffers> memory_;
};

}  // namespace sapwood
