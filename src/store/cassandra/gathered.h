// Questions of one kind, asked as few by many: what comes while some are on their way goes with the
// next. So a single one does not wait, and a flood of them costs a fraction.
//
// Concurrency: ask() from any thread; a Task resumes on its own executor. Outlives its Tasks.
// Invariants: at most `groups_max` are on their way at once, of `keys_max` keys each, and at most
//   `waiting_max` keys wait; a further one is refused: overloaded. A key is asked for after its
//   ask() was called.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/result.h"
#include "runtime/task.h"

namespace playhead {

struct GatheredLimits {
  std::size_t groups_max = 4, keys_max = 32, waiting_max = 8'192;
};

template <typename Key, typename Value>
class Gathered {
 public:
  /// Values in the order of the keys.
  using Ask = std::function<Task<Result<std::vector<Value>>>(std::vector<Key>)>;

  Gathered(GatheredLimits limits, Ask ask) : limits_(limits), ask_(std::move(ask)) {}

  Task<Result<Value>> ask(Key key) {
    const auto waiter = std::make_shared<Waiter>(std::move(key));
    const Executor executor = co_await boost::asio::this_coro::executor;
    bool refused = false;
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
        [&](auto handler) {
          auto own = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                         boost::asio::execution::outstanding_work.tracked);
          waiter->go = [own, handler = std::move(handler)]() mutable {
            boost::asio::post(own, std::move(handler));
          };
          const Joined joined = join(waiter);
          refused = joined == Joined::kRefused;
          if (refused) waiter->go();
          // Perhaps at once, within this call.
          if (joined == Joined::kFirst)
            boost::asio::co_spawn(executor, ask_all(), boost::asio::detached);
        },
        boost::asio::use_awaitable);
    if (refused) co_return fail(Errc::kOverloaded, "too many reads wait for the store");
    co_return std::move(*waiter->result);
  }

 private:
  struct Waiter {
    explicit Waiter(Key its) : key(std::move(its)) {}
    Key key;
    std::optional<Result<Value>> result;
    std::move_only_function<void()> go;
  };
  using Group = std::vector<std::shared_ptr<Waiter>>;

  enum class Joined : std::uint8_t { kRefused, kWaits, kFirst };
  Joined join(const std::shared_ptr<Waiter>& waiter) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= limits_.waiting_max) return Joined::kRefused;
    waiting_.push_back(waiter);
    if (groups_ >= limits_.groups_max) return Joined::kWaits;
    ++groups_;
    return Joined::kFirst;
  }

  Group next() {
    const std::scoped_lock lock(mutex_);
    Group out;
    while (!waiting_.empty() && out.size() < limits_.keys_max) {
      out.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    if (out.empty()) --groups_;
    return out;
  }

  Task<> ask_all() {
    for (Group group = next(); !group.empty(); group = next()) {
      std::vector<Key> keys;
      for (const auto& waiter : group) keys.push_back(waiter->key);
      auto values = co_await ask_(std::move(keys));
      PLAYHEAD_ASSERT(!values || values->size() == group.size());
      for (std::size_t i = 0; i < group.size(); ++i) {
        if (values)
          group[i]->result = std::move((*values)[i]);
        else
          group[i]->result = std::unexpected(values.error());
        group[i]->go();
      }
    }
  }

  const GatheredLimits limits_;
  const Ask ask_;
  std::mutex mutex_;  // guards what follows
  std::deque<std::shared_ptr<Waiter>> waiting_;
  std::size_t groups_ = 0;
};

}  // namespace playhead
