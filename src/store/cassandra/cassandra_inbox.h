// The inbox in a Cassandra ring: the table `inbox` of schema.cql, a row an item, a partition a
// bucket.
//
// Operation: writes and reads at LOCAL_QUORUM, batches of one partition. Rows are written with the
//   timestamp 1 and removed with 2, whatever the clocks say: a row has one life, and a repeated
//   append() does not bring it back while its removal is remembered. Removals are forgotten
//   `gc_grace_seconds` later. A replica that missed one may bring the row back then: it is folded
//   once more, which changes nothing, and removed once more.
// Concurrency: as the port says. It outlives every Task that it gave.
// Limit: a read passes over the bucket's removals of the last `gc_grace_seconds`, and Cassandra
//   refuses one that passes over 100,000 (docs/decisions/0025-the-inbox.md has what it costs).
#pragma once

#include <atomic>
#include <memory>

#include "store/cassandra/session.h"
#include "store/inbox.h"

namespace playhead {

class CassandraInbox final : public Inbox {
 public:
  static constexpr std::size_t kBatchesInFlight = 16;  ///< of one call

  /// Prepares on a session that may be shared, and that outlives the inbox; blocks.
  ///
  /// Errors: unavailable, corrupt (the table is missing; the detail says what to do).
  static Result<std::unique_ptr<CassandraInbox>> open(CqlSession& session);

  /// Put and removed, or tried to, since the start.
  std::uint64_t rows_written() const { return rows_written_; }

  Task<Result<void>> append(std::vector<InboxRow> rows) override;
  Task<Result<std::vector<InboxRow>>> read(std::uint16_t bucket, std::optional<InboxKey> after,
                                           std::size_t rows_max) override;
  Task<Result<void>> remove(std::vector<InboxKey> rows) override;

 private:
  explicit CassandraInbox(CqlSession& session) : session_(session) {}

  CqlSession& session_;
  std::atomic<std::uint64_t> rows_written_ = 0;
  CqlStatement put_, drop_, read_, read_behind_;
};

}  // namespace playhead
