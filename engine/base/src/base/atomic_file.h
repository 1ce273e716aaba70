// A file that appears under its name whole, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace sapwood {

// Writes beside `target` and moves there in commit(), after the data has reached the disk.
// Destroyed without commit, it leaves nothing. Where the file system can (O_TMPFILE), the file has
// no name until commit, so that not even a killed process leaves anything. One moment is left: to take an older file's
// place the new one needs a name of its own beside it, and between the two calls of that a kill leaves it there, whole.
// The older file's permissions, and where allowed its owner, become the new one's.
//
// All functions throw Error io; the message says how many bytes the whole file needs.
// A size limit of the shell (ulimit -f) arrives as the signal SIGXFSZ: a program that wants the
// error instead ignores that signal.
class AtomicFile {
 public:
  // `size`: bytes the whole file will have, reserved on the disk at once where the file system can;
  // 0 if unknown. Throws Error invalid_argument where `target` is a directory or a device.
  AtomicFile(const std::filesystem::path& target, std::int64_t size);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes);                          // at the end
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);  // over what was written
  void commit();

  // For those who write by themselves.
  int descriptor() const { return fd_; }

 private:
  void open_unnamed();
  void open_named();
  void reserve();
  void take_over_permissions();
  bool give_name(const std::filesystem::path& name);
  void release() noexcept;
  void write_all(std::int64_t offset, std::span<const std::byte> bytes);
  std::filesystem::path temporary_name();
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path target_;
  std::filesystem::path temporary_;  // empty while the file has no name
  int fd_ = -1;
  std::int64_t size_ = 0;
  std::int64_t written_ = 0;
};

}  // namespace sapwood
