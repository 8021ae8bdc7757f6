// Threads that make blocking calls for coroutines, each call by its deadline: a Task hands a piece
// of work to one lane and resumes on its own executor with what came of it, or at the deadline
// without. Unlike the store's WorkQueue, nobody waits for a call that hangs.
//
// Concurrency: run() from any executor of one thread. Work of one lane is done in the order in
// which it came. Invariants:
//  1. At most `waiting_max` pieces wait in a lane; a further one is refused at once.
//  2. Work whose deadline has passed while it waited is never begun.
//  3. Work that is not waited for any more touches nothing of the coroutine that gave it.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/clock.h"
#include "runtime/task.h"

namespace playhead {

/// Why a lane gave nothing.
enum class Unanswered : std::uint8_t {
  kRefused,  ///< too many waited: it was not begun and never will be
  kLate,     ///< the deadline has passed: it may be under way
};

class Lanes {
 public:
  /// The clock outlives the lanes.
  Lanes(const Clock& clock, std::uint32_t count, std::uint32_t waiting_max);
  /// Drops what waits, and returns once what is under way has ended. No run() may be awaited.
  ~Lanes();
  Lanes(const Lanes&) = delete;

  std::size_t count() const { return lanes_.size(); }

  /// Does `work` on the thread of lane `index`. It must own all that it touches but what outlives
  /// the lanes.
  template <typename T>
  Task<std::expected<T, Unanswered>> run(std::size_t index, Deadline deadline,
                                         std::move_only_function<T()> work) {
    const auto executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor);
    const auto answer = std::make_shared<Answer<T>>(executor, timer);
    const Abandon<T> abandon{*answer};
    const bool taken =
        push(index, {.deadline = deadline, .work = [answer, work = std::move(work)]() mutable {
                       answer->give(answer, work());
                     }});
    if (!taken) co_return std::unexpected(Unanswered::kRefused);
    timer.expires_after(std::chrono::milliseconds(deadline.at_ms - clock_.monotonic_ms()));
    // The answer is posted to this executor, so it can't come between the push and this wait.
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!answer->value) co_return std::unexpected(Unanswered::kLate);
    co_return std::move(*answer->value);
  }

 private:
  /// Shared by the coroutine and the lane. `value` is the executor's; the rest is guarded.
  template <typename T>
  struct Answer {
    Answer(Executor to, boost::asio::steady_timer& wake) : executor(std::move(to)), timer(&wake) {}

    void give(std::shared_ptr<Answer> self, T got) {
      const std::scoped_lock lock(mutex);
      if (timer == nullptr) return;
      // Posted under the lock: as long as somebody waits, the executor's loop is there.
      boost::asio::post(executor, [self = std::move(self), got = std::move(got)]() mutable {
        if (self->timer == nullptr) return;
        self->value = std::move(got);
        self->timer->cancel();
      });
    }

    std::optional<T> value;
    std::mutex mutex;
    const Executor executor;
    boost::asio::steady_timer* timer;  // null: nobody waits. Set on the executor only
  };

  /// When the coroutine ends, in whatever way, nobody waits.
  template <typename T>
  struct Abandon {
    Answer<T>& answer;
    ~Abandon() {
      const std::scoped_lock lock(answer.mutex);
      answer.timer = nullptr;
    }
  };

  struct Job {
    Deadline deadline;
    std::move_only_function<void()> work;
  };
  struct Lane {
    std::mutex mutex;  // guards what follows, but the thread
    std::condition_variable wake;
    std::deque<Job> jobs;
    bool stopping = false;
    std::thread thread;
  };

  bool push(std::size_t index, Job job);
  void work(Lane& lane);

  const Clock& clock_;
  const std::uint32_t waiting_max_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace playhead
