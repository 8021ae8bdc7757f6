// One queue with a lock a lane: a call takes tens of microseconds at least, so the lock is never
// what is waited for.
#include "cache/lanes.h"

#include <pthread.h>
#include <signal.h>

namespace playhead {

Lanes::Lanes(const Clock& clock, std::uint32_t count, std::uint32_t waiting_max)
    : clock_(clock), waiting_max_(waiting_max) {
  for (std::uint32_t i = 0; i < count; ++i) {
    Lane& lane = *lanes_.emplace_back(std::make_unique<Lane>());
    lane.thread = std::thread([this, &lane] { work(lane); });
  }
}

Lanes::~Lanes() {
  for (const auto& lane : lanes_) {
    const std::scoped_lock lock(lane->mutex);
    lane->stopping = true;
    lane->wake.notify_one();
  }
  for (const auto& lane : lanes_) lane->thread.join();
}

bool Lanes::push(std::size_t index, Job job) {
  Lane& lane = *lanes_[index];
  {
    const std::scoped_lock lock(lane.mutex);
    if (lane.jobs.size() >= waiting_max_) return false;
    lane.jobs.push_back(std::move(job));
  }
  lane.wake.notify_one();
  return true;
}

void Lanes::work(Lane& lane) {
  // hiredis 0.14 writes to its socket without MSG_NOSIGNAL: a server that has gone is an error
  // here, not the end of the process.
  ::sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  std::unique_lock lock(lane.mutex);
  for (;;) {
    lane.wake.wait(lock, [&] { return lane.stopping || !lane.jobs.empty(); });
    if (lane.stopping) break;
    Job job = std::move(lane.jobs.front());
    lane.jobs.pop_front();
    lock.unlock();
    if (!job.deadline.passed(clock_)) job.work();
    job.work = nullptr;
    lock.lock();
  }
  lane.jobs.clear();
}

}  // namespace playhead
