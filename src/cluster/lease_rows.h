// The port to the rows that a cluster shares: a row a node, and the slot map. They change by
// compare-and-set only. Adapters: cluster/cassandra, and cluster/memory_rows.h for tests.
//
// Concurrency: every call from any thread; a Task resumes on the executor it was awaited from. The
//   rows outlive every Task that they gave.
// Invariants, whatever fails:
//  1. Each change is made at one moment, whole, or never. Each row and the map have one order of
//     changes, which all readers see.
//  2. A read that begins after a change was answered, or seen by another read, shows it.
//  3. An error of a change leaves it open: it may have been made, or will be, or never. It is never
//     said of a change that a read already shows to be refused.
//  4. Each call is answered in bounded time. No change is sent twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/lease.h"
#include "cluster/slot_map.h"
#include "runtime/task.h"

namespace playhead {

inline constexpr std::size_t kNodesMax = 1'024;  ///< rows, those of nodes that are gone among them
inline constexpr std::size_t kAddressBytesMax = 255;

/// What a node tells its peers with each renewal, beside its lease. No lease is decided by it.
struct NodeNote {
  std::string http_address;  ///< HOST:PORT at which its clients reach it
  std::string peer_address;  ///< HOST:PORT at which other nodes do
  /// The node's wall clock, before this renewal was sent. kNever: not known.
  Instant sent = kNever;
  /// The last renewal of the session that was answered as made, and the node's wall clock then. 0:
  /// none.
  std::uint64_t answered_renewal = 0;
  Instant answered = kNever;

  friend bool operator==(const NodeNote&, const NodeNote&) = default;
};

struct NodeEntry {
  NodeRow row;
  NodeNote note;

  friend bool operator==(const NodeEntry&, const NodeEntry&) = default;
};

class LeaseRows {
 public:
  virtual ~LeaseRows() = default;

  // Errors of the reads: unavailable, corrupt (a row that is no node's or no map), overloaded
  // (more than kNodesMax rows). None of them is partly answered: who is missing among the rows
  // counts as gone.

  /// Null: there is none yet.
  virtual Task<Result<std::shared_ptr<const SlotMap>>> read_map() = 0;
  virtual Task<Result<std::vector<NodeEntry>>> read_rows() = 0;

  // True: made. False: refused, for the condition did not hold. Errors: uncertain (invariant 3).

  /// Replaces the row of `to.node` if it is still `from`; without `from`, if there is none. With
  /// `note`, which a new row needs, that too; it is not compared.
  virtual Task<Result<bool>> change_row(std::optional<NodeRow> from, NodeRow to,
                                        std::optional<NodeNote> note) = 0;
  /// Replaces the map if its version is still the one before that of `to`.
  virtual Task<Result<bool>> change_map(std::shared_ptr<const SlotMap> to) = 0;
};

}  // namespace playhead
