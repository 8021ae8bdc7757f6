// Virtual time: a clock that stands still until the next thing that is to happen. One thread.
//
// Invariant: things happen in the order of (time, order of being planned), so one seed is one run.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "runtime/clock.h"

namespace playhead::sim {

class Timeline final : public Clock {
 public:
  Instant now() const override { return Instant{kEpochMs} + now_ms_; }
  Millis monotonic_ms() const override { return now_ms_; }

  /// Plans `what` for `in_ms` from now, at once if that is not positive.
  void in(Millis in_ms, std::move_only_function<void()> what) {
    queue_.push({now_ms_ + std::max<Millis>(in_ms, 0), ++planned_, std::move(what)});
  }

  /// Goes on to the next thing planned no later than `until_ms`, and does it; false, at `until_ms`,
  /// if there is none.
  bool step(Millis until_ms) {
    if (queue_.empty() || queue_.top().at_ms > until_ms) {
      now_ms_ = std::max(now_ms_, until_ms);
      return false;
    }
    auto what = std::move(const_cast<Planned&>(queue_.top()).what);
    now_ms_ = queue_.top().at_ms;
    queue_.pop();
    what();
    return true;
  }

 private:
  static constexpr std::int64_t kEpochMs = 1'800'000'000'000;

  struct Planned {
    Millis at_ms;
    std::uint64_t order;
    std::move_only_function<void()> what;
    bool operator<(const Planned& other) const {  // the soonest is the queue's greatest
      return std::pair(at_ms, order) > std::pair(other.at_ms, other.order);
    }
  };

  Millis now_ms_ = 0;
  std::uint64_t planned_ = 0;
  std::priority_queue<Planned> queue_;
};

}  // namespace playhead::sim
