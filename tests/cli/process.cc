#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace sapwood::test {
namespace {

[[noreturn]] void fail(const char* what) { throw std::runtime_error(what); }

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    read = ends[0];
    write = ends[1];
  }
};

void close_end(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

[[noreturn]] void exec(const std::vector<std::string>& arguments, const RunOptions& options) {
  for (char** entry = environ; *entry != nullptr;) {
    const std::string text = *entry;
    if (text.rfind("SAPWOOD_", 0) == 0) {
      ::unsetenv(text.substr(0, text.find('=')).c_str());
      entry = environ;
    } else {
      ++entry;
    }
  }
  // Models that somebody has downloaded are no part of a test.
  ::setenv("HF_HUB_CACHE", "/nonexistent", 1);
  for (const auto& [name, value] : options.env) ::setenv(name.c_str(), value.c_str(), 1);
  ::signal(SIGPIPE, SIG_DFL);
  std::vector<char*> argv{const_cast<char*>(SAPWOOD_BINARY)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(SAPWOOD_BINARY, argv.data());
  std::_Exit(127);
}

int wait_for(pid_t pid, rusage* usage = nullptr) {
  int status = 0;
  while (::wait4(pid, &status, 0, usage) < 0) {
    if (errno != EINTR) fail("wait4");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void set_stdout(const RunOptions& options, Pipe& out) {
  switch (options.out) {
    case Stdout::pipe:
      ::dup2(out.write, STDOUT_FILENO);
      break;
    case Stdout::full:
      ::dup2(::open("/dev/full", O_WRONLY), STDOUT_FILENO);
      break;
    case Stdout::gone: {
      Pipe gone;
      ::dup2(gone.write, STDOUT_FILENO);
      ::close(gone.read);
      break;
    }
    case Stdout::closed:
      ::close(STDOUT_FILENO);
      break;
  }
}

}  // namespace

Outcome run(const std::vector<std::string>& arguments, const RunOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in, out, err;
  const pid_t pid = ::fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    ::dup2(in.read, STDIN_FILENO);
    if (options.close_stdin) ::close(STDIN_FILENO);
    set_stdout(options, out);
    ::dup2(err.write, STDERR_FILENO);
    if (options.prepare) options.prepare();
    exec(arguments, options);
  }
  close_end(in.read);
  close_end(out.write);
  close_end(err.write);
  ::fcntl(in.write, F_SETFL, O_NONBLOCK);
  Outcome outcome{};
  std::size_t sent = 0;
  char block[1 << 16];
  while (out.read >= 0 || err.read >= 0) {
    if (in.write >= 0 && sent == options.input.size()) close_end(in.write);
    pollfd set[3] = {{in.write, POLLOUT, 0}, {out.read, POLLIN, 0}, {err.read, POLLIN, 0}};
    if (::poll(set, 3, -1) < 0) continue;
    if (set[0].revents != 0) {
      const ssize_t n = ::write(in.write, options.input.data() + sent, options.input.size() - sent);
      if (n < 0 && errno != EAGAIN) close_end(in.write);
      if (n > 0) sent += static_cast<std::size_t>(n);
    }
    for (const bool first : {true, false}) {
      if (set[first ? 1 : 2].revents == 0) continue;
      int& fd = first ? out.read : err.read;
      const ssize_t n = ::read(fd, block, sizeof block);
      if (n <= 0) {
        close_end(fd);
      } else {
        (first ? outcome.out : outcome.err).append(block, static_cast<std::size_t>(n));
      }
    }
  }
  close_end(in.write);
  outcome.status = wait_for(pid);
  return outcome;
}

CoProcess::CoProcess(const std::vector<std::string>& arguments) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe in, out;
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) {
    ::dup2(in.read, STDIN_FILENO);
    ::dup2(out.write, STDOUT_FILENO);
    exec(arguments, {});
  }
  ::close(in.read);
  ::close(out.write);
  in_ = in.write;
  out_ = out.read;
}

CoProcess::~CoProcess() {
  if (pid_ > 0) finish();
  ::close(out_);
}

void CoProcess::send(const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::write(in_, bytes.data() + sent, bytes.size() - sent);
    if (n <= 0) fail("write");
    sent += static_cast<std::size_t>(n);
  }
}

std::string CoProcess::read_line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd ready{out_, POLLIN, 0};
    if (::poll(&ready, 1, 60'000) <= 0) return {};
    char block[4096];
    const ssize_t n = ::read(out_, block, sizeof block);
    if (n <= 0) return {};
    buffer_.append(block, static_cast<std::size_t>(n));
  }
}

int CoProcess::finish() {
  close_end(in_);
  rusage usage{};
  const int status = wait_for(pid_, &usage);
  peak_bytes_ = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  pid_ = -1;
  return status;
}

int CoProcess::kill() {
  ::kill(pid_, SIGKILL);
  return finish();
}

void redirect_stdin(const std::string& path) {
  ::dup2(::open(path.c_str(), O_RDONLY), STDIN_FILENO);
}

void append_stdout(const std::string& path) {
  ::dup2(::open(path.c_str(), O_WRONLY | O_APPEND), STDOUT_FILENO);
}

void limit(int resource, std::size_t most) {
  const rlimit value{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &value);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sapwood-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail("mkdtemp");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& bytes) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << bytes;
  return path(name);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::string golden(const std::string& name) {
  return std::string(SAPWOOD_SOURCE_DIR) + "/tests/golden/data/" + name;
}

std::string shared_or_skip(const std::string& name) {
  std::string path = std::string(SAPWOOD_SOURCE_DIR) + "/../shared/" + name;
  if (std::filesystem::exists(path)) return path;
  std::printf("skipped: %s is not here\n", path.c_str());
  return {};
}

}  // namespace sapwood::test
