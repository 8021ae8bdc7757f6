// A one-shot event of one thread: a coroutine waits, plain code signals. Not thread-safe: both on
// the event's own thread. At most one waiter.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/task.h"

namespace playhead {

class Event {
 public:
  bool set() const { return set_; }

  /// Wakes the waiter, now or when it comes. The waiter runs from its own loop, not from here.
  void signal() {
    set_ = true;
    if (waiter_) std::exchange(waiter_, nullptr)();
  }

  /// Makes the event as new, for another round. No waiter may be there.
  void reset() { set_ = false; }

  Task<> wait() {
    if (set_) co_return;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [this](auto handler) {
          waiter_ = [handler = std::move(handler)]() mutable {
            auto executor = boost::asio::get_associated_executor(handler);
            boost::asio::post(executor, std::move(handler));
          };
        },
        boost::asio::use_awaitable);
  }

 private:
  bool set_ = false;
  std::move_only_function<void()> waiter_;
};

/// What any number of coroutines wait for, again and again. One thread.
class Waiters {
 public:
  /// Until the next wake().
  Task<> wait() {
    auto event = std::make_shared<Event>();
    events_.push_back(event);
    co_await event->wait();
  }
  void wake() {
    for (const auto& event : std::exchange(events_, {})) event->signal();
  }

 private:
  std::vector<std::shared_ptr<Event>> events_;
};

}  // namespace playhead
