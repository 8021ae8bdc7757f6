// clock_gettime, in milliseconds.
#include "runtime/clock.h"

#include <ctime>

namespace playhead {
namespace {

std::int64_t read_ms(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

Instant SystemClock::now() const { return {read_ms(CLOCK_REALTIME)}; }
Millis SystemClock::monotonic_ms() const { return read_ms(CLOCK_BOOTTIME); }

}  // namespace playhead
