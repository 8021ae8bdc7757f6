// A queue with a lock: its work takes microseconds at least, so the lock is never what is waited
// for.
#include "store/rocksdb/work_queue.h"

namespace playhead {

WorkQueue::WorkQueue(std::string name, std::uint32_t threads, std::uint32_t waiting_max)
    : name_(std::move(name)), waiting_max_(waiting_max) {
  for (std::uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkQueue::~WorkQueue() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::uint64_t WorkQueue::refused() const {
  const std::scoped_lock lock(mutex_);
  return refused_;
}

bool WorkQueue::reserve() {
  const std::scoped_lock lock(mutex_);
  if (reserved_ >= waiting_max_) {
    ++refused_;
    return false;
  }
  ++reserved_;
  return true;
}

void WorkQueue::push(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void WorkQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    --reserved_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace playhead
