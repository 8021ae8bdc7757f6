// The cluster's rows in Cassandra: the tables `nodes` and `slots` of store/cassandra/schema.cql.
//
// Operation: changes are light-weight transactions at SERIAL, committed at LOCAL_QUORUM, which the
//   driver sends once; reads are at SERIAL, so that they end what is half done. What has no clear
//   answer is uncertain: no answer in time, too few replicas, a call that was not sent at all.
// Concurrency: as the port says. It has a session of its own: what the store has in flight does not
//   keep a renewal waiting.
#pragma once

#include <memory>

#include "cluster/lease_rows.h"
#include "store/cassandra/session.h"

namespace playhead {

struct CassandraLeaseOptions {
  /// An order of a lease is uncertain after a second; what comes later is of no use. A node that
  /// keeps silent gets conditional writes until it is given up: that must not take a lease's time.
  CqlOptions cql{.keyspace = "playhead",
                 .threads = 1,
                 .in_flight_max = 64,
                 .call_timeout_ms = 2'000,
                 .keepalive_ms = 1'000,
                 .drain_ms = 2'000};
};

class CassandraLeaseRows : public LeaseRows {
 public:
  /// Connects and prepares; blocks.
  ///
  /// Errors: unavailable (no node answers), corrupt (the tables are missing; the detail says what
  ///   to do).
  static Result<std::unique_ptr<CassandraLeaseRows>> open(const CassandraLeaseOptions& options);

  /// Rows that its orders have changed, or tried to, since the start.
  virtual std::uint64_t rows_written() const = 0;
  virtual void close() = 0;  ///< CqlSession::close
};

}  // namespace playhead
