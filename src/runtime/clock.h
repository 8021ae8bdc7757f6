// Time is passed in: two nodes with skewed clocks can live in one process. Thread-safe.
#pragma once

#include "base/time.h"

namespace playhead {

class Clock {
 public:
  virtual ~Clock() = default;
  /// The wall clock, UTC. May step.
  virtual Instant now() const = 0;
  /// Milliseconds on a clock that never steps back and also runs while suspended
  /// (CLOCK_BOOTTIME). Its zero means nothing.
  virtual Millis monotonic_ms() const = 0;
};

/// The machine's own clocks.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  Millis monotonic_ms() const override;
};

/// A moment on Clock::monotonic_ms() by which an answer must be there; passed down, never a span.
struct Deadline {
  Millis at_ms = 0;
  static Deadline after(const Clock& clock, Millis span) { return {clock.monotonic_ms() + span}; }
  bool passed(const Clock& clock) const { return clock.monotonic_ms() >= at_ms; }
};

}  // namespace playhead
