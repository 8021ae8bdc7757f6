// The tests that all rows of a cluster pass, whatever they are kept in. For test programs only.
//
// An adapter's own test names a Harness and instantiates the suite:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LeaseRowsContract, MemoryHarness);
// A Harness has: `LeaseRows& rows()`, which are empty at first, and `T run(Task<T>)`, which drives
// a Task to its end.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/lease_rows.h"

namespace playhead {

/// The map after `before`, in which the slots below `below` are given to `node`.
inline std::shared_ptr<const SlotMap> map_of(const SlotMap& before, const std::string& node,
                                             std::uint16_t below) {
  std::uint64_t session = 7;  // one a name
  for (const char c : node) session = session * 256 + static_cast<unsigned char>(c);
  const std::vector<Owner> takers = {{.node = node, .session = session}};
  std::vector<Move> moves;
  for (std::uint16_t slot = 0; slot < below; ++slot) moves.push_back({.slot = slot, .to = 0});
  return std::make_shared<const SlotMap>(before.with(moves, takers));
}

template <typename Harness>
class LeaseRowsContract : public testing::Test {
 protected:
  static constexpr std::uint64_t kLarge = std::numeric_limits<std::uint64_t>::max();

  LeaseRows& rows() { return harness_.rows(); }

  bool change(const std::optional<NodeRow>& from, const NodeRow& to,
              const std::optional<NodeNote>& note) {
    const auto made = harness_.run(rows().change_row(from, to, note));
    EXPECT_TRUE(made) << made.error().detail;
    return made.value_or(false);
  }
  bool change(const std::shared_ptr<const SlotMap>& to) {
    const auto made = harness_.run(rows().change_map(to));
    EXPECT_TRUE(made) << made.error().detail;
    return made.value_or(false);
  }
  std::vector<NodeEntry> all() {
    auto read = harness_.run(rows().read_rows());
    EXPECT_TRUE(read) << read.error().detail;
    auto out = std::move(read).value_or(std::vector<NodeEntry>());
    std::ranges::sort(out, {}, [](const NodeEntry& entry) { return entry.row.node; });
    return out;
  }
  std::shared_ptr<const SlotMap> map() {
    auto read = harness_.run(rows().read_map());
    EXPECT_TRUE(read) << read.error().detail;
    return std::move(read).value_or(nullptr);
  }

  const NodeRow row_{.node = "a", .session = kLarge, .renewal = 1};
  const NodeNote note_{.http_address = "10.0.0.1:8080",
                       .peer_address = "10.0.0.1:7411",
                       .sent = {1'700'000'000'000},
                       .answered_renewal = kLarge,
                       .answered = {1'699'999'999'999}};
  Harness harness_;
};

TYPED_TEST_SUITE_P(LeaseRowsContract);

TYPED_TEST_P(LeaseRowsContract, AreEmptyAtFirst) {
  EXPECT_EQ(this->map(), nullptr);
  EXPECT_TRUE(this->all().empty());
}

TYPED_TEST_P(LeaseRowsContract, GiveARowBackAsItWasWritten) {
  const NodeRow other{.node = "b", .session = 3, .renewal = 0, .over = true, .taking = false};
  EXPECT_TRUE(this->change(std::nullopt, other, NodeNote()));
  EXPECT_TRUE(this->change(std::nullopt, this->row_, this->note_));
  const std::vector<NodeEntry> wanted = {{.row = this->row_, .note = this->note_},
                                         {.row = other, .note = {}}};
  EXPECT_EQ(this->all(), wanted);
}

TYPED_TEST_P(LeaseRowsContract, RefuseANewRowWhereThereIsOne) {
  ASSERT_TRUE(this->change(std::nullopt, this->row_, this->note_));
  NodeRow other = this->row_;
  other.session = 9;
  EXPECT_FALSE(this->change(std::nullopt, other, NodeNote()));
  EXPECT_FALSE(this->change(std::nullopt, this->row_, NodeNote())) << "also the same one";
  EXPECT_EQ(this->all(), std::vector({NodeEntry{.row = this->row_, .note = this->note_}}));
}

TYPED_TEST_P(LeaseRowsContract, RefuseToReplaceARowThatIsNotThere) {
  NodeRow next = this->row_;
  ++next.renewal;
  EXPECT_FALSE(this->change(this->row_, next, this->note_));
  EXPECT_TRUE(this->all().empty()) << "nothing of it is left behind";
  EXPECT_TRUE(this->change(std::nullopt, this->row_, this->note_));
}

TYPED_TEST_P(LeaseRowsContract, ReplaceARowOnlyWhileAllOfItIsAsExpected) {
  ASSERT_TRUE(this->change(std::nullopt, this->row_, this->note_));
  NodeRow next = this->row_;
  ++next.renewal;
  std::vector<NodeRow> wrong(4, this->row_);
  wrong[0].session = 1;
  wrong[1].renewal = 2;
  wrong[2].over = true;
  wrong[3].taking = false;
  for (const NodeRow& from : wrong) EXPECT_FALSE(this->change(from, next, this->note_));
  EXPECT_EQ(this->all().at(0).row, this->row_);
  EXPECT_TRUE(this->change(this->row_, next, this->note_));
  EXPECT_EQ(this->all().at(0).row, next);
  EXPECT_FALSE(this->change(this->row_, next, this->note_)) << "it was that once";
}

TYPED_TEST_P(LeaseRowsContract, KeepTheNoteWhereAnotherEndsTheSession) {
  ASSERT_TRUE(this->change(std::nullopt, this->row_, this->note_));
  NodeRow ended = this->row_;
  ended.over = true;
  EXPECT_TRUE(this->change(this->row_, ended, std::nullopt));
  EXPECT_EQ(this->all(), std::vector({NodeEntry{.row = ended, .note = this->note_}}));
}

TYPED_TEST_P(LeaseRowsContract, ReplaceTheMapByItsNextVersionOnly) {
  const SlotMap none;
  const auto first = map_of(none, "a", 100), other = map_of(none, "b", 200);
  const auto second = map_of(*first, "b", 50), third = map_of(*second, "a", kSlots);
  EXPECT_FALSE(this->change(second)) << "there is none to replace";
  EXPECT_TRUE(this->change(first));
  EXPECT_FALSE(this->change(other)) << "that is another's first";
  EXPECT_FALSE(this->change(third)) << "one was left out";
  ASSERT_NE(this->map(), nullptr);
  EXPECT_EQ(*this->map(), *first);
  EXPECT_TRUE(this->change(second));
  EXPECT_FALSE(this->change(second)) << "it is that already";
  EXPECT_TRUE(this->change(third));
  EXPECT_EQ(*this->map(), *third);
}

REGISTER_TYPED_TEST_SUITE_P(LeaseRowsContract, AreEmptyAtFirst, GiveARowBackAsItWasWritten,
                            RefuseANewRowWhereThereIsOne, RefuseToReplaceARowThatIsNotThere,
                            ReplaceARowOnlyWhileAllOfItIsAsExpected,
                            KeepTheNoteWhereAnotherEndsTheSession,
                            ReplaceTheMapByItsNextVersionOnly);

}  // namespace playhead
