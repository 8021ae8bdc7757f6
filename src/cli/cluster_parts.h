// What a node of a cluster is made of beside what every server has, behind its ports: the ring, and
// the way to other nodes. Made in builds with PLAYHEAD_CASSANDRA only.
#pragma once

#include <cstdint>
#include <memory>

#include "cluster/fresh_slots.h"
#include "cluster/lease_rows.h"
#include "config/config.h"
#include "http/metrics.h"
#include "peer/peers.h"
#include "runtime/clock.h"
#include "store/inbox.h"
#include "store/store.h"

namespace playhead {

/// Rows of Cassandra's tables that this process has changed, or tried to, since its start.
struct RowsWritten {
  std::uint64_t store = 0, inbox = 0, leases = 0;
};

class ClusterParts {
 public:
  virtual ~ClusterParts() = default;

  virtual Store& store() = 0;
  virtual Inbox& inbox() = 0;
  virtual LeaseRows& rows() = 0;
  virtual Peers& peers() = 0;
  virtual RowsWritten rows_written() const = 0;
  /// Answers whoever still waits for Cassandra or a node. To be called when nothing runs any more,
  /// and while what it ran on is still there.
  virtual void close() = 0;

  /// What the node's lease allows; before the store is used. It outlives the last use.
  virtual void set_leases(const FreshSlots& fresh) = 0;
  /// Figures of what it is made of. Any thread.
  virtual void collect(MetricsText& out) const = 0;

  /// Answers other nodes at `peer_listen` from now on. Errors: unavailable (the port is taken).
  virtual Result<void> listen(PeerHandler handler) = 0;
  /// Answers no more; what is under way may end, or is cut off.
  virtual void stop_listening() = 0;

  /// Connects; blocks. Errors: those of the parts; unprocessable in a build without them.
  static Result<std::unique_ptr<ClusterParts>> open(const Config& config, const Clock& clock);
};

}  // namespace playhead
