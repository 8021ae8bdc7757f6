// What nodes of a cluster tell each other of their work: it decides who should own which slot
// (cluster/balance.h), and operators see it.
//
// Operation: step() every few seconds measures this node's slots, asks each other node for its
//   figures, and hands the loads of all slots to the lease keeper. When no node has anything left
//   for others, the shards are told: what former owners of their slots acknowledged is all there.
// Concurrency: step() from one place at a time, the rest from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/balance.h"
#include "cluster/lease_keeper.h"
#include "peer/peers.h"
#include "runtime/task.h"
#include "shard/shard_threads.h"

namespace playhead {

/// One node's own figures. Loads: thousandths of a report a second.
struct NodeFigures {
  std::uint64_t views_active = 0;
  std::uint64_t load = 0;       ///< of all its slots
  std::uint64_t undrained = 0;  ///< views that it has not handed to their owners yet
  std::vector<std::pair<std::uint16_t, std::uint32_t>> slots;  ///< that it owns, with any load
  friend bool operator==(const NodeFigures&, const NodeFigures&) = default;
};

/// By name of the node. Immutable.
using AllFigures = std::map<std::string, NodeFigures>;

void encode(std::string& out, const NodeFigures& figures);
/// Errors: unavailable (of another release, or cut short).
Result<NodeFigures> decode_figures(std::string_view bytes);

/// NodeFigures::undrained, as it is now.
Task<std::uint64_t> undrained_views(ShardThreads& shards);

class LoadExchange {
 public:
  /// Below so much a node, by the mean, slots stay where they are: nothing would be gained.
  static constexpr std::uint64_t kLoadMin = 500'000;
  /// While a node has something left for others, slots stay where they are: each that moves makes
  /// parts of what is on its way to it. But no longer than this: one that has died may never come
  /// back.
  static constexpr Millis kHoldMaxMs = 60'000;

  LoadExchange(ShardThreads& shards, Peers& peers, LeaseKeeper& keeper, const Clock& clock,
               std::string self);

  /// Returns when all have answered, or were silent for a second each.
  Task<> step();
  /// The answer to another node's call.
  Task<Result<std::string>> own() const;
  /// As last heard; of a node that is silent nothing is known.
  std::shared_ptr<const AllFigures> all() const;

 private:
  Task<NodeFigures> measure(const LeaseStatus& status);
  bool may_give(bool drained);

  ShardThreads& shards_;
  Peers& peers_;
  LeaseKeeper& keeper_;
  const Clock& clock_;
  const std::string self_;
  LoadMeter meter_;
  std::vector<std::uint64_t> counted_ = std::vector<std::uint64_t>(kSlots);  ///< reports, so far
  Millis measured_ms_;
  Millis drained_ms_;  ///< when nothing was left last
  mutable std::mutex mutex_;
  std::shared_ptr<const AllFigures> all_ = std::make_shared<AllFigures>();
};

}  // namespace playhead
