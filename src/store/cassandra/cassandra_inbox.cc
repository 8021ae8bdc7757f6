// Rows to values and back.
#include "store/cassandra/cassandra_inbox.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "store/cassandra/writes.h"

namespace playhead {
namespace {

// The timestamps are the statements' own: see the header.
constexpr const char* kPut =
    "INSERT INTO inbox (bucket, slot, id, record) VALUES (?, ?, ?, ?) USING TIMESTAMP 1";
constexpr const char* kDrop =
    "DELETE FROM inbox USING TIMESTAMP 2 WHERE bucket = ? AND slot = ? AND id = ?";
constexpr const char* kRead = "SELECT slot, id, record FROM inbox WHERE bucket = ? LIMIT ?";
constexpr const char* kReadBehind =
    "SELECT slot, id, record FROM inbox WHERE bucket = ? AND (slot, id) > (?, ?) LIMIT ?";

constexpr std::size_t kRowsMax = 1'000'000;  // of one read

CqlValues place_of(const InboxKey& key) {
  CqlValues values;
  values.integer(inbox_bucket(key.slot)).integer(key.slot).blob(key.id);
  return values;
}

// Statements by bucket, as batches that are each one mutation.
class ByBucket {
 public:
  void add(std::uint16_t slot, CqlBound bound) {
    buckets_[inbox_bucket(slot)].push_back(std::move(bound));
  }
  std::vector<CqlBatch> done() && {
    std::vector<CqlBatch> out;
    for (CqlBatch& bucket : buckets_)
      if (!bucket.empty())
        std::ranges::move(batches_of(std::move(bucket)), std::back_inserter(out));
    return out;
  }

 private:
  std::array<CqlBatch, kInboxBuckets> buckets_;
};

}  // namespace

Result<std::unique_ptr<CassandraInbox>> CassandraInbox::open(CqlSession& session) {
  std::unique_ptr<CassandraInbox> out(new CassandraInbox(session));
  Preparing all(session);
  all.add(out->put_, kPut);
  all.add(out->drop_, kDrop);
  all.add(out->read_, kRead);
  all.add(out->read_behind_, kReadBehind);
  if (all.result()) return out;
  Error& error = all.result().error();
  if (error.code != Errc::kInvalidArgument) return std::unexpected(std::move(error));
  return fail(Errc::kCorrupt,
              "the table of the inbox is not as it should be: run "
              "'playhead schema apply'; " +
                  error.detail);
}

Task<Result<void>> CassandraInbox::append(std::vector<InboxRow> rows) {
  if (auto checked = check_inbox_rows(rows); !checked) co_return checked;
  rows_written_ += rows.size();
  ByBucket statements;
  for (const InboxRow& row : rows)
    statements.add(row.key.slot, {put_, place_of(row.key).blob(row.record)});
  co_return co_await session_.write_all(std::move(statements).done(), kBatchesInFlight);
}

Task<Result<std::vector<InboxRow>>> CassandraInbox::read(std::uint16_t bucket,
                                                         std::optional<InboxKey> after,
                                                         std::size_t rows_max) {
  std::vector<InboxRow> out;
  if (rows_max == 0) co_return out;
  const auto limit = static_cast<std::int32_t>(std::min(rows_max, kRowsMax));
  CqlBound bound{.statement = after ? read_behind_ : read_, .values = {}};
  bound.values.integer(bucket);
  if (after) bound.values.integer(after->slot).blob(after->id);
  bound.values.integer(limit);
  const auto all = co_await session_.execute_all(std::move(bound));
  if (!all) co_return std::unexpected(all.error());
  for (const CqlRows& rows : *all)
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto slot = rows.integer(i, 0);
      const auto id = rows.blob(i, 1), record = rows.blob(i, 2);
      if (!slot || *slot < 0 || static_cast<unsigned>(*slot) >= kSlots || !id || !record)
        co_return fail(Errc::kCorrupt, "a row of the inbox in Cassandra is not whole");
      out.push_back({.key = {.slot = static_cast<std::uint16_t>(*slot), .id = std::string(*id)},
                     .record = std::string(*record)});
    }
  co_return out;
}

Task<Result<void>> CassandraInbox::remove(std::vector<InboxKey> rows) {
  rows_written_ += rows.size();
  ByBucket statements;
  for (const InboxKey& key : rows) statements.add(key.slot, {drop_, place_of(key)});
  co_return co_await session_.write_all(std::move(statements).done(), kBatchesInFlight);
}

}  // namespace playhead
