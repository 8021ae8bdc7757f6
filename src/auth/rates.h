// How often somebody may ask: a bucket each that fills by time, so that bursts of two seconds'
// worth pass and more does not.
//
// Operation: buckets are not anybody's own: a key falls into two of kBuckets by its hash, and is
//   refused only if both are empty. Two who share one are not in each other's way; with a thousand
//   at a time who ask too often, 6 in 100,000 of the others share both with one of them.
// Concurrency: any thread; no locks. Memory is fixed.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace playhead {

class Rates {
 public:
  static constexpr std::size_t kBuckets = 1 << 18;
  static constexpr std::int64_t kBurstUs = 2'000'000;

  Rates() : full_at_us_(kBuckets) {}

  /// Takes one request of `key` at `now_ms` of a monotonic clock. False: it asks more often than
  /// `per_s_max` times a second, and nothing is taken. 0: any number.
  bool take(std::uint64_t key, std::uint32_t per_s_max, Millis now_ms);

 private:
  bool take_from(std::atomic<std::int64_t>& full_at_us, std::int64_t now_us,
                 std::int64_t interval_us);

  /// When each bucket is full again (GCRA's theoretical arrival time), on the monotonic clock.
  std::vector<std::atomic<std::int64_t>> full_at_us_;
};

}  // namespace playhead
