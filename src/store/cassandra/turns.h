// Lets coroutines through, so many at once, in the order in which they came.
//
// Concurrency: take() from any thread; a Task resumes on its own executor. Outlives its turns.
// Invariants: those who are through take up `room` at most. At most `waiting_max` wait; a further
//   one is refused at once. Nobody passes one who waits, however little room he needs himself.
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
#include <vector>

#include "runtime/task.h"

namespace playhead {

class Turns {
 public:
  Turns(std::size_t room, std::size_t waiting_max) : free_(room), waiting_max_(waiting_max) {}

  /// Gives its room to those who wait when it goes.
  class Turn {
   public:
    Turn() = default;  ///< none
    explicit operator bool() const { return turns_ != nullptr; }

   private:
    friend class Turns;
    struct GiveBack {
      std::size_t room;
      void operator()(Turns* turns) const { turns->give_back(room); }
    };
    Turn(Turns* turns, std::size_t room) : turns_(turns, {.room = room}) {}
    std::unique_ptr<Turns, GiveBack> turns_;
  };

  /// False at once if too many wait, else true when it is one's turn. `room`: at most what there
  /// is.
  Task<Turn> take(std::size_t room = 1) {
    bool refused = false;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [&](auto handler) {
          auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                              boost::asio::execution::outstanding_work.tracked);
          const std::scoped_lock lock(mutex_);
          const bool waits = !waiting_.empty() || free_ < room;
          refused = waits && waiting_.size() >= waiting_max_;
          if (waits && !refused) {
            waiting_.push_back({room, [executor, handler = std::move(handler)]() mutable {
                                  boost::asio::post(executor, std::move(handler));
                                }});
            return;
          }
          if (!refused) free_ -= room;
          boost::asio::post(executor, std::move(handler));
        },
        boost::asio::use_awaitable);
    co_return Turn(refused ? nullptr : this, room);
  }

 private:
  struct Waiting {
    std::size_t room;
    std::move_only_function<void()> go;
  };

  void give_back(std::size_t room) {
    std::vector<Waiting> next;
    {
      const std::scoped_lock lock(mutex_);
      free_ += room;
      while (!waiting_.empty() && waiting_.front().room <= free_) {
        free_ -= waiting_.front().room;
        next.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    for (Waiting& one : next) one.go();
  }

  std::mutex mutex_;  // guards what follows
  std::size_t free_;
  std::deque<Waiting> waiting_;
  const std::size_t waiting_max_;
};

}  // namespace playhead
