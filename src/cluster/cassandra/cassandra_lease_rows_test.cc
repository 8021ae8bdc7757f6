// The rows' promises, kept by a real node: also by one that is asked by many at once, that is
// frozen, and whose tables hold what no server wrote. Needs a ring: tools/cassandra.
#include "cluster/cassandra/cassandra_lease_rows.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "cluster/cassandra/lease_ring_test_kit.h"
#include "cluster/lease_rows_contract.h"

namespace playhead {

namespace {

class RingHarness {
 public:
  LeaseRows& rows() { return *rows_; }
  template <typename T>
  T run(Task<T> task) {
    return run_to_end(std::move(task));
  }

 private:
  TestKeyspace keyspace_;
  std::unique_ptr<LeaseRows> rows_ =
      value_of(CassandraLeaseRows::open(lease_ring_options(keyspace_.name())));
};
INSTANTIATE_TYPED_TEST_SUITE_P(Cassandra, LeaseRowsContract, RingHarness);

class CassandraLease : public testing::Test {
 protected:
  std::unique_ptr<CassandraLeaseRows> open(std::uint32_t call_timeout_ms = 60'000) {
    return value_of(
        CassandraLeaseRows::open(lease_ring_options(keyspace_.name(), call_timeout_ms)));
  }
  void cql(const std::string& text) {
    const auto session = value_of(CqlSession::open(ring_options(keyspace_.name())));
    value_of(run_to_end(session->query(text, 60'000)));
  }

  TestKeyspace keyspace_;
};

// Runs all at once on one loop; their results in order.
template <typename T>
std::vector<T> run_all(std::vector<Task<T>> tasks) {
  boost::asio::io_context context;
  std::vector<std::optional<T>> results(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i)
    boost::asio::co_spawn(context, std::move(tasks[i]),
                          [&results, i](const std::exception_ptr& error, T result) {
                            if (error) std::rethrow_exception(error);
                            results[i] = std::move(result);
                          });
  context.run();
  std::vector<T> out;
  for (auto& result : results) out.push_back(std::move(result).value());
  return out;
}

// Goal: of all who replace one version, one wins, and whoever is told so is that one.
// Method: twenty sessions offer maps that differ. Cassandra may leave some in doubt where so many
// collide; the read shows who won.
TEST_F(CassandraLease, LetsOneOfTwentyWritersWinEachVersion) {
  constexpr std::size_t kWriters = 20;
  constexpr int kVersions = 5;
  std::vector<std::unique_ptr<CassandraLeaseRows>> writers;
  for (std::size_t i = 0; i < kWriters; ++i) writers.push_back(open());
  auto before = std::make_shared<const SlotMap>();
  std::size_t uncertain = 0;
  for (int version = 1; version <= kVersions; ++version) {
    std::vector<std::shared_ptr<const SlotMap>> offers;
    std::vector<Task<Result<bool>>> tasks;
    for (std::size_t i = 0; i < kWriters; ++i) {
      offers.push_back(map_of(*before, "w" + std::to_string(i), static_cast<std::uint16_t>(i + 1)));
      tasks.push_back(writers[i]->change_map(offers[i]));
    }
    const auto results = run_all(std::move(tasks));
    const auto is = value_of(run_to_end(writers[0]->read_map()));
    ASSERT_NE(is, nullptr);
    EXPECT_EQ(is->version(), static_cast<std::uint64_t>(version));
    std::size_t winners = 0;
    for (std::size_t i = 0; i < kWriters; ++i) {
      if (!results[i])
        ++uncertain;
      else
        EXPECT_EQ(*results[i], *is == *offers[i]) << "writer " << i;
      winners += *is == *offers[i];
    }
    EXPECT_EQ(winners, 1u);
    before = is;
  }
  std::printf("%zu of %zu changes were left in doubt\n", uncertain, kWriters * kVersions);
}

TEST_F(CassandraLease, IsInDoubtWhileTheNodeIsFrozenAndARereadTellsWhatCameOfIt) {
  const auto hasty = open(300), patient = open();
  NodeRow row{.node = "a", .session = 1, .renewal = 1};
  ASSERT_TRUE(value_of(run_to_end(hasty->change_row(std::nullopt, row, NodeNote()))));
  NodeRow next = row;
  next.renewal = 2;
  {
    const FrozenNode frozen;
    const auto changed = run_to_end(hasty->change_row(row, next, NodeNote()));
    ASSERT_FALSE(changed) << "it is not said to be refused";
    EXPECT_EQ(changed.error().code, Errc::kUnavailable);
    const auto rows = run_to_end(hasty->read_rows());
    ASSERT_FALSE(rows);
    EXPECT_EQ(rows.error().code, Errc::kUnavailable);
    EXPECT_FALSE(run_to_end(hasty->read_map()));
  }
  // It may be made now or later: but at most once, and what a read shows is so.
  NodeRow last = next;
  last.renewal = 3;
  const bool from_next = value_of(run_to_end(patient->change_row(next, last, NodeNote())));
  const bool from_first = value_of(run_to_end(patient->change_row(row, last, NodeNote())));
  const NodeRow is = value_of(run_to_end(patient->read_rows())).at(0).row;
  EXPECT_FALSE(from_next && from_first);
  if (from_next || from_first)
    EXPECT_EQ(is, last);
  else
    EXPECT_EQ(is, next) << "it landed between the two";
}

TEST_F(CassandraLease, RefusesRowsThatAreNoLease) {
  const auto rows = open();
  NodeRow row{.node = "a", .session = 1, .renewal = 1};
  ASSERT_TRUE(value_of(run_to_end(rows->change_row(std::nullopt, row, NodeNote()))));
  cql("UPDATE nodes SET taking = null WHERE part = 0 AND node = 'a' IF session = 1");
  const auto read = run_to_end(rows->read_rows());
  ASSERT_FALSE(read) << "nobody may take its slots for free";
  EXPECT_EQ(read.error().code, Errc::kCorrupt);
  EXPECT_NE(read.error().detail.find("'a'"), std::string::npos) << read.error().detail;
  NodeRow next = row;
  next.renewal = 2;
  EXPECT_FALSE(value_of(run_to_end(rows->change_row(row, next, NodeNote()))));
  EXPECT_FALSE(value_of(run_to_end(rows->change_row(std::nullopt, next, NodeNote()))));
  cql("DELETE FROM nodes WHERE part = 0 AND node = 'a' IF EXISTS");
  EXPECT_TRUE(value_of(run_to_end(rows->read_rows())).empty());
  EXPECT_TRUE(value_of(run_to_end(rows->change_row(std::nullopt, next, NodeNote()))));
}

TEST_F(CassandraLease, ReadsANoteOfWhichNothingIsThere) {
  cql("INSERT INTO nodes (part, node, session, renewal, over, taking) "
      "VALUES (0, 'a', 1, 2, false, true) IF NOT EXISTS");
  const auto rows = open();
  const auto read = value_of(run_to_end(rows->read_rows()));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0], (NodeEntry{.row = {.node = "a", .session = 1, .renewal = 2}, .note = {}}));
}

TEST_F(CassandraLease, RefusesAMapThatIsNone) {
  const auto rows = open();
  for (const char* wrong : {"(part, version) VALUES (0, 1)", "(part, map) VALUES (0, 0x00)",
                            "(part, version, map) VALUES (0, 1, 0x00)"}) {
    cql("INSERT INTO slots " + std::string(wrong) + " IF NOT EXISTS");
    const auto read = run_to_end(rows->read_map());
    ASSERT_FALSE(read) << wrong;
    EXPECT_EQ(read.error().code, Errc::kCorrupt) << wrong;
    cql("DELETE FROM slots WHERE part = 0 IF EXISTS");
  }
  EXPECT_EQ(value_of(run_to_end(rows->read_map())), nullptr);
  ASSERT_TRUE(value_of(run_to_end(rows->change_map(map_of(SlotMap(), "a", 1)))));
  cql("UPDATE slots SET version = 2 WHERE part = 0 IF version = 1");
  EXPECT_FALSE(run_to_end(rows->read_map())) << "the map says 1";
}

TEST_F(CassandraLease, HasRoomForSoManyNodesAndRefusesToReadAPartOfMore) {
  const auto rows = open();
  constexpr std::size_t kWindow = 16;
  const auto session = value_of(CqlSession::open(ring_options(keyspace_.name())));
  const auto put =
      value_of(session->prepare("INSERT INTO nodes (part, node, session, renewal, over, taking) "
                                "VALUES (0, ?, 1, 1, true, true)"));
  std::vector<CqlBound> all;
  for (std::size_t i = 0; i < kNodesMax; ++i)
    all.push_back({put, CqlValues().text("node-" + std::to_string(i))});
  value_of(run_to_end(session->execute_each(std::move(all), kWindow)));
  EXPECT_EQ(value_of(run_to_end(rows->read_rows())).size(), kNodesMax);
  value_of(run_to_end(session->execute({put, CqlValues().text("one-more")})));
  const auto read = run_to_end(rows->read_rows());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::kOverloaded);
}

TEST_F(CassandraLease, SaysWhatToDoWhereTheTablesAreMissing) {
  cql("DROP TABLE slots");
  const auto opened = CassandraLeaseRows::open(lease_ring_options(keyspace_.name()));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
  EXPECT_NE(opened.error().detail.find("playhead schema apply"), std::string::npos);
}

}  // namespace
}  // namespace playhead
