// The same work by several coroutines of one thread at once, as where each waits for somebody else
// most of the time.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <exception>
#include <memory>

#include "runtime/event.h"
#include "runtime/task.h"

namespace playhead {

/// Awaits the coroutines that `work(0)` to `work(count - 1)` give, all on the caller's executor,
/// which runs one thing at a time. What `work` refers to needs to outlive only this.
template <typename Work>
Task<> side_by_side(std::size_t count, Work work) {
  struct Working {
    std::size_t left;
    std::exception_ptr error;
    Event end;
  };
  if (count == 0) co_return;
  const Executor executor = co_await boost::asio::this_coro::executor;
  const auto working = std::make_shared<Working>(Working{.left = count, .error = {}, .end = {}});
  for (std::size_t i = 0; i < count; ++i)
    boost::asio::co_spawn(executor, work(i), [working](const std::exception_ptr& error) {
      if (error) working->error = error;
      if (--working->left == 0) working->end.signal();
    });
  co_await working->end.wait();
  if (working->error) std::rethrow_exception(working->error);
}

}  // namespace playhead
