// Where results go: standard output or a file, with every failed write reported.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "input_files.h"

namespace sapwood::cli {

// A buffered writer over a file descriptor. iostreams lose the reason of a failed write; here a
// full disk or a reader that went away is Error io with the system's own words. A file that is named
// appears whole in close(), or not at all: whatever happens before, an older file stays as it was.
// Devices and pipes are written as results come, and so is standard output.
class OutputStream {
 public:
  // "" or "-": standard output. Throws UsageError, before anything is changed, where the output is
  // one of the inputs; Error io where the file cannot be created.
  OutputStream(const std::string& path, const InputFiles& inputs);
  ~OutputStream();  // what was not flushed is lost
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  void write(std::string_view bytes);
  void flush();
  // Flushes and gives the file its name: some file systems report a full disk only here. Nothing may
  // be written after.
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
  std::unique_ptr<AtomicFile> file_;  // whose descriptor fd_ is
  bool owned_ = false;                // fd_ is this object's to close
  std::string name_;                  // for messages
  std::string buffer_;
};

// One message on standard error: "sapwood: <parts>". The last guard of the terminal and of logs:
// control characters are shown as printable() shows them. Line breaks are kept, as a message may
// have several lines, but what follows them is indented, so that no part of a message can pass for
// a message of its own. Shown are 16 KiB at most. Allocates nothing: it can tell that memory is
// out.
void say(std::initializer_list<std::string_view> parts) noexcept;
inline void say(std::string_view message) noexcept { say({message}); }

// What the library noticed about the files it read, each as "sapwood: note: ...", unless `quiet`.
void say_notices(const std::vector<std::string>& notices, bool quiet) noexcept;

// Opens /dev/null for each closed standard descriptor, in the direction that makes its use an
// error, so that no file of ours can become "standard output". To be called before anything is
// opened.
void guard_standard_descriptors();

}  // namespace sapwood::cli
