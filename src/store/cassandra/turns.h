// Lets coroutines through one at a time, in the order in which they came.
//
// Concurrency: take() from any thread; a Task resumes on its own executor. Outlives its turns.
// Invariant: at most `waiting_max` wait; a further one is refused at once.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "runtime/task.h"

namespace playhead {

class Turns {
 public:
  explicit Turns(std::size_t waiting_max) : waiting_max_(waiting_max) {}

  /// Lets the next one through when it goes.
  class Turn {
   public:
    explicit operator bool() const { return turns_ != nullptr; }

   private:
    friend class Turns;
    struct Pass {
      void operator()(Turns* turns) const { turns->pass(); }
    };
    explicit Turn(Turns* turns) : turns_(turns) {}
    std::unique_ptr<Turns, Pass> turns_;
  };

  /// False at once if too many wait, else true when it is one's turn.
  Task<Turn> take() {
    bool refused = false;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [&](auto handler) {
          auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                              boost::asio::execution::outstanding_work.tracked);
          const std::scoped_lock lock(mutex_);
          const bool waits = std::exchange(busy_, true);
          refused = waits && waiting_.size() >= waiting_max_;
          if (waits && !refused)
            waiting_.emplace_back([executor, handler = std::move(handler)]() mutable {
              boost::asio::post(executor, std::move(handler));
            });
          else
            boost::asio::post(executor, std::move(handler));
        },
        boost::asio::use_awaitable);
    co_return Turn(refused ? nullptr : this);
  }

 private:
  void pass() {
    std::move_only_function<void()> next;
    {
      const std::scoped_lock lock(mutex_);
      if (waiting_.empty()) {
        busy_ = false;
        return;
      }
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    next();
  }

  const std::size_t waiting_max_;
  std::mutex mutex_;  // guards what follows
  bool busy_ = false;
  std::deque<std::move_only_function<void()>> waiting_;
};

}  // namespace playhead
