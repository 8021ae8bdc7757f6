// A timer wheel of one-second buckets over numbered things. Expiry is lazy: a heartbeat only writes
// its deadline; when the bucket fires, the owner looks and files the thing again if it lives.
//
// Invariant: a number is filed at most once. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace playhead {

class Wheel {
 public:
  explicit Wheel(Millis now_ms) : second_(now_ms / 1000) {}

  /// Files `number` to fire no earlier than `at_ms`, at most a turn of the wheel ahead.
  void file(std::uint32_t number, Millis at_ms) {
    const Millis second = std::min(std::max(at_ms / 1000 + 1, second_ + 1), second_ + kBuckets - 1);
    buckets_[static_cast<std::size_t>(second % kBuckets)].push_back(number);
  }

  /// Takes out the numbers of which `is_gone` is true. Looks at all there are: for rare use.
  template <typename IsGone>
  void forget(const IsGone& is_gone) {
    for (std::vector<std::uint32_t>& bucket : buckets_) std::erase_if(bucket, is_gone);
  }

  /// Calls `fire(number)` for all that are due; it may file them again.
  template <typename Fire>
  void advance(Millis now_ms, Fire&& fire) {
    while (second_ < now_ms / 1000) {
      ++second_;
      std::vector<std::uint32_t> due;
      due.swap(buckets_[static_cast<std::size_t>(second_ % kBuckets)]);
      for (const std::uint32_t number : due) fire(number);
    }
  }

 private:
  static constexpr Millis kBuckets = 1024;
  Millis second_;
  std::array<std::vector<std::uint32_t>, kBuckets> buckets_;
};

}  // namespace playhead
