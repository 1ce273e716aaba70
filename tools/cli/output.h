// Where results go: standard output or a file, with every failed write reported.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sapwood::cli {

// A buffered writer over a file descriptor. iostreams lose the reason of a failed write; here a
// full disk or a reader that went away is Error io with the system's own words.
class OutputStream {
 public:
  // "" or "-": standard output. Throws Error io where the file cannot be created.
  explicit OutputStream(const std::string& path = "");
  ~OutputStream();  // what was not flushed is lost
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  void write(std::string_view bytes);
  void flush();
  // Flushes and closes: some file systems report a full disk only here. Nothing may be written
  // after.
  void close();

  // Overwrites bytes at an absolute offset of a file that can seek.
  void write_at(std::string_view bytes, std::size_t offset);
  // Where the next write goes, or -1 where the target cannot seek (a pipe, a terminal, >>).
  long long position();

  bool is_terminal() const;
  int descriptor() const { return fd_; }
  const std::string& name() const { return name_; }

 private:
  [[noreturn]] void fail(int error) const;

  int fd_;
  bool owned_;
  std::string name_;  // for messages
  std::string buffer_;
};

// One line on standard error: "sapwood: <message>".
void say(std::string_view message);

// Opens /dev/null for each closed standard descriptor, in the direction that makes its use an
// error, so that no file of ours can become "standard output". To be called before anything is
// opened.
void guard_standard_descriptors();

}  // namespace sapwood::cli
