// Gives a silent server up for a while, so that not every call has to wait for it: after
// `failures_max` failures in a row nobody is admitted for `silence_ms`, then one call is, as a
// probe; its success ends the silence, its failure begins it anew. Any thread.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/time.h"

namespace playhead {

class Breaker {
 public:
  Breaker(std::uint32_t failures_max, Millis silence_ms)
      : failures_max_(failures_max), silence_ms_(silence_ms) {}

  /// Whether a call may be made at `now_ms`, on a clock that never steps back. If so, its outcome
  /// is told by one of the two below.
  bool admit(Millis now_ms) {
    const std::scoped_lock lock(mutex_);
    if (failures_ < failures_max_) return true;
    if (probing_ || now_ms < silent_until_ms_) return false;
    probing_ = true;
    return true;
  }

  void succeeded() {
    const std::scoped_lock lock(mutex_);
    failures_ = 0;
    probing_ = false;
  }

  void failed(Millis now_ms) {
    const std::scoped_lock lock(mutex_);
    // Of calls that were under way together, the first that is one too many begins the silence.
    if (failures_ < failures_max_)
      ++failures_;
    else if (!probing_)
      return;
    probing_ = false;
    if (failures_ < failures_max_) return;
    silent_until_ms_ = now_ms + silence_ms_;
    ++opened_;
  }

  /// How often a silence began.
  std::uint64_t opened() const {
    const std::scoped_lock lock(mutex_);
    return opened_;
  }

 private:
  const std::uint32_t failures_max_;
  const Millis silence_ms_;
  mutable std::mutex mutex_;  // guards what follows
  std::uint32_t failures_ = 0;
  bool probing_ = false;
  Millis silent_until_ms_ = 0;
  std::uint64_t opened_ = 0;
};

}  // namespace playhead
