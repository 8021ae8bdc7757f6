// How far this node's wall clock is off its peers', as far as their rows prove it. Pure.
//
// A renewal carries its sender's clock from before it was sent; the one after it, the clock from
// when its answer was there. Between these two moments the row changed. Who saw the change in one
// read, and not yet in the read before, knows that it was made after that one was asked and before
// this one was answered. So each change bounds the distance of the two clocks, from both sides, by
// as much as a read and a write take and as lies between two reads: about a second. Changes and
// reads drift past each other, and what all of the last ones allow is far less.
//
// A delay makes a bound wider and never wrong. What is not proven counts as no distance: a slow
// store turns no node away from its work.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/time.h"
#include "cluster/lease_rows.h"

namespace playhead {

class ClockWatch {
 public:
  static constexpr std::size_t kBoundsMax = 128;  ///< changes of a peer that are remembered

  explicit ClockWatch(std::string node) : node_(std::move(node)) {}

  /// All rows as they were read, and this node's wall clock before the read was asked and after it
  /// was answered.
  void see(std::span<const NodeEntry> rows, Instant asked, Instant answered);

  /// This node's clock minus the median of all clocks, its own among them: so it takes more than
  /// half of the cluster to prove a clock wrong, and none of two nodes is. Positive: it is ahead.
  Millis skew_ms() const;

 private:
  // Own clock minus the peer's: at least, at most.
  struct Bound {
    Millis least_ms, most_ms;
  };
  struct Peer {
    std::uint64_t session = 0, renewal = 0;
    std::optional<Instant> unseen;  // when the last read without this renewal was asked
    std::deque<Bound> bounds;       // the latest last

    void add(Bound bound);
    Bound all() const;
  };

  void see(const NodeEntry& entry, Instant answered, Peer& peer) const;

  const std::string node_;
  std::map<std::string, Peer> peers_;
  std::optional<Instant> asked_;  // the last read
};

}  // namespace playhead
