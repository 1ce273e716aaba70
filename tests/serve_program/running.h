// `sapwood serve` as a process of its own.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client.h"

namespace sapwood::test {

class Running {
 public:
  // Of `sapwood serve ARGUMENTS...`; `said`: where its standard error goes instead of to this test.
  explicit Running(const std::vector<std::string>& arguments, const std::string& said = "");
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();  // ends it, if need be by force

  // Waits until its standard error has had this text so many times; false where it has not after a minute.
  bool says(const std::string& text, int times = 1);
  std::string said() const;
  // What follows "listening on ", line by line.
  std::vector<std::string> addresses() const;
  std::uint16_t port(std::size_t address = 0) const;

  void signal(int number) const;
  int wait();  // for its end: the exit status, or 128 + the signal that ended it; -1 where it goes on for a minute

 private:
  void read();

  pid_t pid_ = -1;
  int err_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::string text_;
  std::thread reader_;
};

}  // namespace sapwood::test
