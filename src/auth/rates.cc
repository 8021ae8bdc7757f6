// The generic cell rate algorithm: one number a bucket.
#include "auth/rates.h"

#include <algorithm>

namespace playhead {

bool Rates::take(std::uint64_t key, std::uint32_t per_s_max, Millis now_ms) {
  if (per_s_max == 0) return true;
  const std::int64_t interval_us = std::max<std::int64_t>(1, 1'000'000 / per_s_max);
  const std::int64_t now_us = now_ms * 1000;
  // Both are tried, so that both know of the request.
  const bool first = take_from(full_at_us_[key % kBuckets], now_us, interval_us);
  const bool second = take_from(full_at_us_[(key >> 32) % kBuckets], now_us, interval_us);
  return first || second;
}

bool Rates::take_from(std::atomic<std::int64_t>& full_at_us, std::int64_t now_us,
                      std::int64_t interval_us) {
  std::int64_t full_at = full_at_us.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t next = std::max(full_at, now_us) + interval_us;
    if (next - now_us > kBurstUs) return false;
    if (full_at_us.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return true;
  }
}

}  // namespace playhead
