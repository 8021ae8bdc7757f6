// What a request waits for: some of its reports' frames, loads, other shards. Lives on one thread
// (its request's); other threads post to it. See Submission in service/.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/time.h"
#include "runtime/event.h"
#include "shard/outcome.h"

namespace playhead {

/// Ticket::began_ms() of what no request waits for.
inline constexpr Millis kNobodyWaits = std::numeric_limits<Millis>::max();

class Ticket {
 public:
  /// `began_ms`, by the monotonic clock: since when somebody has been waiting. A prompt ticket
  /// keeps nobody waiting for an account to be read: a report that needs that is left out
  /// (BatchOutcome::waiting).
  explicit Ticket(Millis began_ms = kNobodyWaits, bool prompt = false)
      : began_ms_(began_ms), prompt_(prompt) {}

  BatchOutcome outcome;

  Millis began_ms() const { return began_ms_; }
  bool prompt() const { return prompt_; }

  /// One more thing to wait for. Not once all was there: whoever adds one thing after the other
  /// holds the ticket meanwhile.
  void hold() {
    PLAYHEAD_ASSERT(!done_.set());
    ++holds_;
  }

  /// One thing is there, or has failed: the first failure is the ticket's.
  void release(const std::optional<Error>& failure = std::nullopt) {
    if (failure && !failure_) failure_ = failure;
    if (--holds_ > 0) return;
    done_.signal();
    if (then_) std::exchange(then_, nullptr)();
  }

  bool ready() const { return holds_ == 0; }
  const std::optional<Error>& failure() const { return failure_; }
  Task<> wait() {
    if (holds_ > 0) co_await done_.wait();
  }
  /// Calls `then` when the last hold goes; to be set while one is there.
  void then(std::move_only_function<void()> then) { then_ = std::move(then); }

 private:
  const Millis began_ms_;
  const bool prompt_;
  std::uint32_t holds_ = 0;
  std::optional<Error> failure_;
  std::move_only_function<void()> then_;
  Event done_;
};

}  // namespace playhead
