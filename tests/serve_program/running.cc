#include "running.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace sapwood::test {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void exec(const std::vector<std::string>& arguments) {
  for (const char* const name :
       {"PORT", "UDS_PATH", "API_KEY", "SAPWOOD_HOST", "SAPWOOD_LISTEN", "SAPWOOD_MODEL"}) {
    ::unsetenv(name);
  }
  std::vector<char*> argv{const_cast<char*>(SAPWOOD_BINARY), const_cast<char*>("serve")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(SAPWOOD_BINARY, argv.data());
  std::_Exit(127);
}

int count(const std::string& text, const std::string& part) {
  int times = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++times;
  return times;
}

}  // namespace

Running::Running(const std::vector<std::string>& arguments, const std::string& said) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(said.empty() ? ends[1] : ::open(said.c_str(), O_WRONLY), STDERR_FILENO);
    exec(arguments);
  }
  ::close(ends[1]);
  err_ = ends[0];
  reader_ = std::thread([this] { read(); });
}

Running::~Running() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  reader_.join();
  ::close(err_);
}

void Running::read() {
  char bytes[4096];
  for (ssize_t size; (size = ::read(err_, bytes, sizeof bytes)) > 0;) {
    const std::lock_guard lock(mutex_);
    text_.append(bytes, static_cast<std::size_t>(size));
    more_.notify_all();
  }
}

bool Running::says(const std::string& text, int times) {
  std::unique_lock lock(mutex_);
  return more_.wait_for(lock, 1min, [&] { return count(text_, text) >= times; });
}

std::string Running::said() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

std::vector<std::string> Running::addresses() const {
  const std::string text = said(), mark = "listening on ";
  std::vector<std::string> all;
  for (std::size_t at = 0; (at = text.find(mark, at)) != text.npos;) {
    at += mark.size();
    all.push_back(text.substr(at, text.find('\n', at) - at));
  }
  return all;
}

std::uint16_t Running::port(std::size_t address) const {
  const std::string text = addresses().at(address);
  return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
}

void Running::signal(int number) const { ::kill(pid_, number); }

int Running::wait() {
  for (int i = 0; i < 6000; ++i) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    std::this_thread::sleep_for(10ms);
  }
  return -1;
}

}  // namespace sapwood::test
