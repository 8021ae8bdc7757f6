// Who should own which slot: few moves, by measured load. Pure.
//
// A slot without an owner goes to whoever has least to do. A slot that has one is given away only
// by a node above the mean, and only if its taker has less to do afterwards than the giver: so no
// slot goes to and fro. All givers together give what the others lack, without having to agree.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "cluster/slot_map.h"

namespace playhead {

/// Thousandths of a report a second, of each slot, smoothed.
using SlotLoads = std::vector<std::uint32_t>;

struct BalanceOptions {
  std::uint32_t start_percent = 5;   ///< off the mean, up or down, before anything is moved
  std::uint32_t settle_percent = 1;  ///< off the mean, when enough has been moved
  std::uint32_t gives_max = 128;     ///< slots that a node gives in one round
};

/// New owners for `slots`: the busiest first, each to the taker that has least. At least one taker.
std::vector<Move> place(const SlotMap& map, const SlotSet& slots, std::span<const Owner> takers,
                        const SlotLoads& loads);

/// What `nodes[giver]` should give away in this round; place() says to whom. What others own than
/// `nodes` counts for nothing.
SlotSet choose_gives(const SlotMap& map, std::span<const Owner> nodes, std::size_t giver,
                     const SlotLoads& loads, const BalanceOptions& options);

/// Counts the reports of each slot, and smooths them.
class LoadMeter {
 public:
  static constexpr Millis kSmoothingMs = 60'000;

  void count(std::uint16_t slot, std::uint32_t reports = 1) { counts_[slot] += reports; }
  /// Folds what was counted in the last `span_ms` into loads().
  void close(Millis span_ms);
  /// What another node measured of a slot: where this one goes on from.
  void learn(std::uint16_t slot, std::uint32_t load) { loads_[slot] = load; }
  const SlotLoads& loads() const { return loads_; }

 private:
  std::vector<std::uint32_t> counts_ = std::vector<std::uint32_t>(kSlots);
  SlotLoads loads_ = SlotLoads(kSlots);
};

}  // namespace playhead
