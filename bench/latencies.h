// How long things took, in buckets 3 % wide: constant memory, whatever the load. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace playhead {

class Latencies {
 public:
  void add(std::int64_t ns) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
    ++buckets_[bucket_of(value)];
    ++count_;
    max_ns_ = std::max(max_ns_, value);
  }

  /// What `per_mille` of all took at most, ns; 0 if there is none.
  std::uint64_t at(unsigned per_mille) const {
    const std::uint64_t rank = (count_ * per_mille + 999) / 1000;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= rank && rank > 0) return std::min(upper(i), max_ns_);
    }
    return max_ns_;
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max_ns() const { return max_ns_; }

 private:
  static constexpr unsigned kFineBits = 5;  // 32 buckets a power of two
  static constexpr std::size_t kFine = 1 << kFineBits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kFine) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kFineBits - 1;
    return (shift + 1) * kFine + (value >> shift) - kFine;
  }
  static std::uint64_t upper(std::size_t bucket) {
    if (bucket < kFine) return bucket;
    const std::size_t shift = bucket / kFine - 1;
    return ((bucket % kFine + kFine + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kFineBits + 1) * kFine> buckets_{};
  std::uint64_t count_ = 0, max_ns_ = 0;
};

}  // namespace playhead
