// Runs the real program, as a shell would.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sapwood::test {

struct Outcome {
  int status;  // exit status; 128 + the signal that killed it
  std::string out, err;
};

enum class Stdout {
  pipe,    // read to the end
  full,    // /dev/full: every write fails with "No space left on device"
  gone,    // a pipe whose reader has gone
  closed,  // no descriptor at all (>&-)
};

struct RunOptions {
  std::string input;
  Stdout out = Stdout::pipe;
  bool close_stdin = false;                // <&-
  std::map<std::string, std::string> env;  // added to the environment; SAPWOOD_* of ours is removed
  std::function<void()> prepare;           // called in the child: redirections, limits
};

// `sapwood ARGUMENTS...`
Outcome run(const std::vector<std::string>& arguments, const RunOptions& options = {});

// The program with open pipes: for tests of when it answers.
class CoProcess {
 public:
  explicit CoProcess(const std::vector<std::string>& arguments);
  ~CoProcess();
  CoProcess(const CoProcess&) = delete;
  CoProcess& operator=(const CoProcess&) = delete;

  void send(const std::string& bytes);
  // One line without its end; "" where none came within a minute.
  std::string read_line();
  int finish();  // closes its input and waits: the exit status
  int kill();    // ends it at once
  pid_t pid() const { return pid_; }
  std::size_t peak_bytes() const { return peak_bytes_; }  // resident at most; after finish()

 private:
  pid_t pid_;
  int in_, out_;
  std::size_t peak_bytes_ = 0;
  std::string buffer_;
};

// A file or folder of this test run, removed at its end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string write(const std::string& name, const std::string& bytes) const;
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// For RunOptions::prepare: what the shell does for <FILE, >>FILE and ulimit.
void redirect_stdin(const std::string& path);
void append_stdout(const std::string& path);
void limit(int resource, std::size_t most);

std::string read_file(const std::string& path);
std::vector<std::string> lines_of(const std::string& text);
// A checkpoint of tests/golden/data.
std::string golden(const std::string& name);
// ../shared/NAME beside the source tree, or "" after printing that the test is skipped.
std::string shared_or_skip(const std::string& name);

}  // namespace sapwood::test
