#include "encode_thread.h"

namespace sapwood::serve {

EncodeThread::EncodeThread(std::size_t most) : most_(most), thread_([this] { run(); }) {}

EncodeThread::~EncodeThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  there_.notify_one();
  thread_.join();
}

bool EncodeThread::post(std::size_t bytes, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (bytes_ > 0 && bytes_ + bytes > most_) return false;
    waiting_.emplace_back(bytes, std::move(work));
    bytes_ += bytes;
  }
  there_.notify_one();
  return true;
}

void EncodeThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    there_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto [bytes, work] = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds goes without the lock
    lock.lock();
    bytes_ -= bytes;
  }
}

}  // namespace sapwood::serve
