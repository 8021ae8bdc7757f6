// What a node's lease allows, for all its threads: two loads from memory answer whether a slot may
// be answered for as fresh, and under which epoch.
//
// Concurrency: publish() and withdraw() from one thread at a time, everything else from any.
// Invariant: what fresh_epoch() says held at some moment of its call. Epochs are written before the
//   lease's end is, and read after it: so whoever reads the end of a lease finds no slot of the one
//   before. He may find one of the next; that ends later, as a node's leases do.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/time.h"
#include "cluster/lease.h"
#include "cluster/slot_map.h"

namespace playhead {

class FreshSlots {
 public:
  /// The epoch for which an answer for `slot` given at `now_ms` (Clock::monotonic_ms) may say
  /// `stale: false`; 0: it may not. It may only if that is the epoch for which the slot has been
  /// loaded. For a grant `now_ms` is read after it was stored.
  std::uint64_t fresh_epoch(std::uint16_t slot, Millis now_ms) const {
    if (now_ms >= fresh_until_ms_.load(std::memory_order_acquire)) return 0;
    return epochs_[slot].load(std::memory_order_acquire);
  }
  /// The epoch under which the slot is this node's, whether its lease holds now or not; 0: it is
  /// not, or is being given away.
  std::uint64_t epoch(std::uint16_t slot) const {
    return epochs_[slot].load(std::memory_order_acquire);
  }
  Millis fresh_until_ms() const { return fresh_until_ms_.load(std::memory_order_acquire); }

  void publish(const Lease& lease) {
    publish(lease.answering(), *lease.map(), lease.fresh_until_ms());
  }
  /// Each of `answering` has the epoch that `map` has for it.
  void publish(const SlotSet& answering, const SlotMap& map, Millis fresh_until_ms) {
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      epochs_[slot].store(answering[slot] ? map.epoch_of(slot) : 0, std::memory_order_release);
    fresh_until_ms_.store(fresh_until_ms, std::memory_order_release);
  }
  /// No slot is answered for any more.
  void withdraw() { publish(SlotSet(), SlotMap(), 0); }

 private:
  std::atomic<Millis> fresh_until_ms_{0};
  std::array<std::atomic<std::uint64_t>, kSlots> epochs_{};
};

}  // namespace playhead
