// The store in a Cassandra ring. Titles' registers merge in Cassandra itself; what else is written
// has one writer, whose clock orders it.
//
// Operation: writes and reads at LOCAL_QUORUM, one mutation a change and partition. settle() waits
//   until what was acknowledged before it is `settle_delay_ms` old: a replica's commit log reaches
//   its disk in the background, within 10 s as Cassandra comes. Tables: docs/formats.md,
//   "Cassandra". Erasures: erasing.h. purge() does nothing: Cassandra's files forget what was
//   deleted by its own compactions, gc_grace_seconds later.
// Concurrency: as the port says. The store outlives every Task that it gave.
// Invariants:
//  1. An index entry is written before the view's row: who finds the row finds its places.
//  2. What it writes of a view replaces what it wrote before, and what it has read of that view,
//     whatever the clock of the former writer said.
// Limit: a clock that steps back between two runs hides what the second writes of views that it has
//   not read, until it has caught up. Leases will give each run an order of its own.
#pragma once

#include <memory>

#include "runtime/clock.h"
#include "store/cassandra/session.h"
#include "store/store.h"

namespace playhead {

struct CassandraStoreOptions {
  CqlOptions cql{.keyspace = "playhead"};
  Millis settle_delay_ms = 60'000;  ///< how old a write must be to be sure on the replicas' disks
  std::uint32_t batches_in_flight = 16;  ///< of one write(); more only wait in a slow ring
};

class CassandraStore : public Store {
 public:
  /// Connects and prepares; blocks. `clock` outlives the store.
  ///
  /// Errors: unavailable (no node answers), corrupt (the tables are missing or of a newer format;
  /// the
  ///   detail says what to do).
  static Result<std::unique_ptr<CassandraStore>> open(const CassandraStoreOptions& options,
                                                      const Clock& clock);

  /// Rows of tables that writes have changed, or tried to, since the start; of an erasure, which
  /// deletes ranges, none.
  virtual std::uint64_t rows_written() const = 0;
  /// CqlSession::close: whoever waits is answered while his executor is still there.
  virtual void close() = 0;
};

}  // namespace playhead
