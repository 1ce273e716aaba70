// The thread on which long bodies are read and tokenised, so that the one that reads from sockets stays quick.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace sapwood::serve {

class EncodeThread {
 public:
  // `most`: bytes of bodies that may wait.
  explicit EncodeThread(std::size_t most);
  EncodeThread(const EncodeThread&) = delete;
  EncodeThread& operator=(const EncodeThread&) = delete;
  ~EncodeThread();  // what waits is done first

  // Runs `work` when its turn comes. False: too many bytes wait already. `work` must not throw.
  bool post(std::size_t bytes, std::function<void()> work);

 private:
  void run();

  const std::size_t most_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable there_;
  std::deque<std::pair<std::size_t, std::function<void()>>> waiting_;
  std::size_t bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sapwood::serve
