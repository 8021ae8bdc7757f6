// The contract that every inbox passes, and what is Cassandra's own: a removal that a repeated
// append does not undo, nodes that are silent, tables that are not there, and what removals cost.
// Needs a ring: tools/cassandra.
#include "store/cassandra/cassandra_inbox.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "store/cassandra/ring_test_kit.h"
#include "store/inbox_contract.h"

namespace playhead {

namespace {

class RingInboxHarness {
 public:
  Inbox& inbox() { return *one_; }
  Inbox& other() { return *two_; }
  template <typename T>
  T run(Task<T> task) {
    return run_to_end(std::move(task));
  }

 private:
  TestKeyspace keyspace_;
  std::unique_ptr<CqlSession> first_ = value_of(CqlSession::open(ring_options(keyspace_.name()))),
                              second_ = value_of(CqlSession::open(ring_options(keyspace_.name())));
  std::unique_ptr<CassandraInbox> one_ = value_of(CassandraInbox::open(*first_)),
                                  two_ = value_of(CassandraInbox::open(*second_));
};
INSTANTIATE_TYPED_TEST_SUITE_P(CassandraInbox, InboxContract, RingInboxHarness);

class CassandraInboxTest : public testing::Test {
 protected:
  std::vector<InboxRow> read(std::uint16_t bucket) {
    return value_of(run_to_end(inbox_->read(bucket, std::nullopt, 1'000)));
  }
  void cql(const std::string& text) { value_of(run_to_end(session_->query(text, 60'000))); }

  TestKeyspace keyspace_;
  std::unique_ptr<CqlSession> session_ = value_of(CqlSession::open(ring_options(keyspace_.name())));
  std::unique_ptr<CassandraInbox> inbox_ = value_of(CassandraInbox::open(*session_));
};

// Who got no answer repeats; by then the owner may have folded the row and removed it.
TEST_F(CassandraInboxTest, KeepsARowRemovedThatIsAppendedOnceMore) {
  value_of(run_to_end(inbox_->append({inbox_row(5, 1)})));
  value_of(run_to_end(inbox_->remove({inbox_row(5, 1).key})));
  value_of(run_to_end(inbox_->append({inbox_row(5, 1)})));
  EXPECT_TRUE(read(5).empty());
}

// Removed before it came: the order in which the two arrive says nothing.
TEST_F(CassandraInboxTest, NeverShowsARowWhoseRemovalOvertookIt) {
  value_of(run_to_end(inbox_->remove({inbox_row(5, 1).key})));
  value_of(run_to_end(inbox_->append({inbox_row(5, 1), inbox_row(5, 2)})));
  EXPECT_EQ(read(5), std::vector{inbox_row(5, 2)});
}

TEST_F(CassandraInboxTest, SaysWhatToDoWhereTheTableIsMissing) {
  cql("DROP TABLE " + keyspace_.name() + ".inbox");
  const auto opened = CassandraInbox::open(*session_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::kCorrupt);
  EXPECT_NE(opened.error().detail.find("playhead schema apply"), std::string::npos);
}

TEST_F(CassandraInboxTest, RefusesARowThatNoServerWrote) {
  cql("INSERT INTO " + keyspace_.name() + ".inbox (bucket, slot, id) VALUES (5, 5, 0x01)");
  const auto rows = run_to_end(inbox_->read(5, std::nullopt, 10));
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, Errc::kCorrupt);
}

TEST_F(CassandraInboxTest, IsUnavailableWhileNoNodeAnswers) {
  CqlOptions hasty = ring_options(keyspace_.name());
  hasty.call_timeout_ms = 200;
  const auto session = value_of(CqlSession::open(hasty));
  const auto inbox = value_of(CassandraInbox::open(*session));
  {
    const FrozenNode frozen;
    const auto appended = run_to_end(inbox->append({inbox_row(5, 1)}));
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, Errc::kUnavailable);
    EXPECT_EQ(run_to_end(inbox->read(5, std::nullopt, 10)).error().code, Errc::kUnavailable);
    EXPECT_EQ(run_to_end(inbox->remove({inbox_row(5, 2).key})).error().code, Errc::kUnavailable);
  }
  value_of(run_to_end(inbox_->append({inbox_row(5, 1)})));
  EXPECT_EQ(read(5), std::vector{inbox_row(5, 1)}) << "it may have been there already";
}

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// What removals cost the reads after them; prints, and asserts only that the reads go on.
TEST_F(CassandraInboxTest, IsReadOnBehindThirtyThousandRowsThatWereRemoved) {
  constexpr std::uint32_t kRows = 30'000;
  const std::string record(400, 'r');
  const auto time_of_read = [&](std::uint16_t bucket) {
    double best = 1e9;
    for (int i = 0; i < 5; ++i) {
      const auto start = std::chrono::steady_clock::now();
      EXPECT_TRUE(read(bucket).empty());
      best = std::min(best, ms_since(start));
    }
    return best;
  };
  const double before_ms = time_of_read(5);
  for (const bool one : {false, true}) {
    std::vector<InboxRow> rows;
    std::vector<InboxKey> keys;
    for (std::uint32_t i = 0; i < kRows; ++i) {
      const auto slot =
          static_cast<std::uint16_t>(one ? 6 + kInboxBuckets * (i % 128) : i % kSlots);
      rows.push_back(inbox_row(slot, i + (one ? kRows : 0), record));
      keys.push_back(rows.back().key);
    }
    auto start = std::chrono::steady_clock::now();
    value_of(run_to_end(inbox_->append(std::move(rows))));
    const double append_ms = ms_since(start);
    start = std::chrono::steady_clock::now();
    value_of(run_to_end(inbox_->remove(std::move(keys))));
    const double remove_ms = ms_since(start);
    std::printf(
        "%u rows of 400 bytes in %s: appended in %.0f ms, removed in %.0f ms; an empty read takes "
        "%.2f ms, %.2f ms before\n",
        kRows, one ? "one bucket" : "all 32 buckets", append_ms, remove_ms,
        time_of_read(one ? 6 : 5), before_ms);
  }
  value_of(run_to_end(inbox_->append({inbox_row(6, 3 * kRows)})));
  EXPECT_EQ(read(6).size(), 1u);
}

}  // namespace
}  // namespace playhead
