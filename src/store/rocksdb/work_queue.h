// Threads that do blocking work for coroutines: a Task hands a piece of work over and resumes on
// its own executor with what came of it.
//
// Concurrency: run() from any thread. Work of one queue is begun in the order in which it came.
// Invariant: at most `waiting_max` pieces wait; a further one is refused at once with overloaded.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/task.h"

namespace playhead {

class WorkQueue {
 public:
  /// `name` is for the refusal: "too many <name> wait for the store".
  WorkQueue(std::string name, std::uint32_t threads, std::uint32_t waiting_max);
  /// Does what waits, then stops.
  ~WorkQueue();

  /// Does `work` on a thread of the queue.
  /// Errors: overloaded, and those of the work.
  template <typename T>
  Task<Result<T>> run(std::move_only_function<Result<T>()> work) {
    if (!reserve()) co_return fail(Errc::kOverloaded, "too many " + name_ + " wait for the store");
    std::optional<Result<T>> result;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [&](auto handler) {
          // Work that is outstanding keeps the caller's loop alive until the answer is there.
          auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                              boost::asio::execution::outstanding_work.tracked);
          push([&result, &work, executor, handler = std::move(handler)]() mutable {
            result = work();
            boost::asio::post(executor, std::move(handler));
          });
        },
        boost::asio::use_awaitable);
    co_return std::move(*result);
  }

  std::uint64_t refused() const;

 private:
  using Job = std::move_only_function<void()>;

  bool reserve();
  void push(Job job);
  void work();

  const std::string name_;
  const std::uint32_t waiting_max_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::uint32_t reserved_ = 0;  // waiting, or about to
  std::uint64_t refused_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace playhead
