// Rows to values and back.
#include "cluster/cassandra/cassandra_lease_rows.h"

#include <atomic>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/ids.h"

namespace playhead {
namespace {

constexpr std::int32_t kPart = 0;  // of both tables

constexpr const char* kReadMap = "SELECT version, map FROM slots WHERE part = ?";
constexpr const char* kReadRows =
    "SELECT node, session, renewal, over, taking, http_address, peer_address, sent_ms, "
    "answered_renewal, answered_ms FROM nodes WHERE part = ? LIMIT ?";
constexpr const char* kFirstMap =
    "INSERT INTO slots (part, version, map) VALUES (?, ?, ?) IF NOT EXISTS";
constexpr const char* kNextMap =
    "UPDATE slots SET version = ?, map = ? WHERE part = ? IF version = ?";
constexpr const char* kNewRow =
    "INSERT INTO nodes (session, renewal, over, taking, http_address, peer_address, sent_ms, "
    "answered_renewal, answered_ms, part, node) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "IF NOT EXISTS";
constexpr const char* kWhereRow =
    " WHERE part = ? AND node = ? IF session = ? AND renewal = ? AND over = ? AND taking = ?";
constexpr const char* kSetRow =
    "UPDATE nodes SET session = ?, renewal = ?, over = ?, taking = ?, http_address = ?, "
    "peer_address = ?, sent_ms = ?, answered_renewal = ?, answered_ms = ?";
constexpr const char* kSetLease = "UPDATE nodes SET session = ?, renewal = ?, over = ?, taking = ?";

// Sessions and renewals use all bits, and bigint has the same number of them.
std::int64_t stored(std::uint64_t number) { return static_cast<std::int64_t>(number); }
std::uint64_t loaded(std::int64_t number) { return static_cast<std::uint64_t>(number); }

void put_lease(CqlValues& out, const NodeRow& row) {
  out.bigint(stored(row.session)).bigint(stored(row.renewal)).boolean(row.over).boolean(row.taking);
}

void put_note(CqlValues& out, const NodeNote& note) {
  out.text(note.http_address)
      .text(note.peer_address)
      .bigint(note.sent.ms)
      .bigint(stored(note.answered_renewal))
      .bigint(note.answered.ms);
}

// A row whose lease is not all there says nothing of whether its node answers: nobody may go on as
// if it had none. A note may lack whatever it likes.
Result<NodeEntry> entry_of(const CqlRows& rows, std::size_t row) {
  const auto node = rows.text(row, 0);
  const auto session = rows.bigint(row, 1), renewal = rows.bigint(row, 2);
  const auto over = rows.boolean(row, 3), taking = rows.boolean(row, 4);
  const std::string name(node.value_or(""));
  if (!is_id(name) || !session || *session == 0 || !renewal || !over || !taking)
    return fail(Errc::kCorrupt, "the row of node '" + name + "' in Cassandra is no lease");
  NodeEntry out;
  out.row = {.node = name,
             .session = loaded(*session),
             .renewal = loaded(*renewal),
             .over = *over,
             .taking = *taking};
  out.note.http_address = rows.text(row, 5).value_or("").substr(0, kAddressBytesMax);
  out.note.peer_address = rows.text(row, 6).value_or("").substr(0, kAddressBytesMax);
  out.note.sent.ms = rows.bigint(row, 7).value_or(kNever.ms);
  out.note.answered_renewal = loaded(rows.bigint(row, 8).value_or(0));
  out.note.answered.ms = rows.bigint(row, 9).value_or(kNever.ms);
  return out;
}

// The answer of a conditional statement: `[applied]`, and where it is false, perhaps the row as it
// is.
Result<bool> applied(const Result<CqlRows>& rows) {
  if (!rows) return std::unexpected(rows.error());
  const auto made = rows->size() == 1 ? rows->boolean(0, 0) : std::nullopt;
  if (!made) return fail(Errc::kUnavailable, "Cassandra does not say whether it made a change");
  return *made;
}

class Shared final : public CassandraLeaseRows {
 public:
  Result<void> prepare(const CassandraLeaseOptions& options) {
    auto session = CqlSession::open(options.cql);
    if (!session) return std::unexpected(std::move(session.error()));
    session_ = *std::move(session);
    const CqlStatementOptions read{.consistency = CQL_SERIAL, .page_rows = kNodesMax + 1};
    const CqlStatementOptions change{.idempotent = false};
    Preparing all(*session_);
    all.add(read_map_, kReadMap, read);
    all.add(read_rows_, kReadRows, read);
    all.add(first_map_, kFirstMap, change);
    all.add(next_map_, kNextMap, change);
    all.add(new_row_, kNewRow, change);
    all.add(set_row_, std::string(kSetRow) + kWhereRow, change);
    all.add(set_lease_, std::string(kSetLease) + kWhereRow, change);
    return all.result();
  }

  Task<Result<std::shared_ptr<const SlotMap>>> read_map() override {
    const auto rows = co_await session_->execute({read_map_, CqlValues().integer(kPart)});
    if (!rows) co_return std::unexpected(rows.error());
    if (rows->size() == 0) co_return nullptr;
    const auto version = rows->bigint(0, 0);
    const auto bytes = rows->blob(0, 1);
    if (!version || !bytes)
      co_return fail(Errc::kCorrupt, "the slot map in Cassandra is not whole");
    auto map = decode_slot_map(*bytes);
    if (!map) co_return std::unexpected(std::move(map.error()));
    if (map->version() != loaded(*version) || map->version() == 0)
      co_return fail(Errc::kCorrupt, "the slot map in Cassandra is not of its version");
    co_return std::make_shared<const SlotMap>(*std::move(map));
  }

  Task<Result<std::vector<NodeEntry>>> read_rows() override {
    const auto limit = static_cast<std::int32_t>(kNodesMax + 1);
    const auto rows =
        co_await session_->execute({read_rows_, CqlValues().integer(kPart).integer(limit)});
    if (!rows) co_return std::unexpected(rows.error());
    if (rows->size() > kNodesMax || !rows->page().empty())
      co_return fail(Errc::kOverloaded,
                     "there are more than " + std::to_string(kNodesMax) + " nodes' rows");
    std::vector<NodeEntry> out;
    out.reserve(rows->size());
    for (std::size_t row = 0; row < rows->size(); ++row) {
      auto entry = entry_of(*rows, row);
      if (!entry) co_return std::unexpected(std::move(entry.error()));
      out.push_back(*std::move(entry));
    }
    co_return out;
  }

  Task<Result<bool>> change_row(std::optional<NodeRow> from, NodeRow to,
                                std::optional<NodeNote> note) override {
    PLAYHEAD_ASSERT(note || from);
    CqlValues values;
    put_lease(values, to);
    if (note) put_note(values, *note);
    values.integer(kPart).text(to.node);
    if (from) put_lease(values, *from);
    const CqlStatement statement = !from ? new_row_ : note ? set_row_ : set_lease_;
    ++rows_written_;
    co_return applied(co_await session_->execute({statement, std::move(values)}));
  }

  Task<Result<bool>> change_map(std::shared_ptr<const SlotMap> to) override {
    PLAYHEAD_ASSERT(to->version() > 0);
    std::string bytes;
    encode(bytes, *to);
    const std::int64_t version = stored(to->version());
    CqlBound bound{.statement = next_map_, .values = {}};
    if (version == 1) {
      bound.statement = first_map_;
      bound.values.integer(kPart).bigint(version).blob(bytes);
    } else {
      bound.values.bigint(version).blob(bytes).integer(kPart).bigint(version - 1);
    }
    ++rows_written_;
    co_return applied(co_await session_->execute(std::move(bound)));
  }

  std::uint64_t rows_written() const override { return rows_written_; }
  void close() override { session_->close(); }

 private:
  std::atomic<std::uint64_t> rows_written_ = 0;
  std::unique_ptr<CqlSession> session_;
  CqlStatement read_map_, read_rows_, first_map_, next_map_, new_row_, set_row_, set_lease_;
};

}  // namespace

Result<std::unique_ptr<CassandraLeaseRows>> CassandraLeaseRows::open(
    const CassandraLeaseOptions& options) {
  auto out = std::make_unique<Shared>();
  if (auto prepared = out->prepare(options); !prepared) {
    if (prepared.error().code != Errc::kInvalidArgument)
      return std::unexpected(std::move(prepared.error()));
    return fail(Errc::kCorrupt,
                "the tables of the leases are not as they should be: run "
                "'playhead schema apply'; " +
                    prepared.error().detail);
  }
  return out;
}

}  // namespace playhead
