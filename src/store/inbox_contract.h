// The tests that every Inbox passes, whatever it is made of. For test programs only.
//
// An adapter's own test names a Harness and instantiates the suite:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, InboxContract, MemoryInboxHarness);
// A Harness has: `Inbox& inbox()`, which is empty at first; `Inbox& other()`, another node's way to
// the same; and `T run(Task<T>)`, which drives a Task to its end.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "store/inbox.h"

namespace playhead {

/// The `number`th row of a slot, which rows of other slots share the id of.
inline InboxRow inbox_row(std::uint16_t slot, std::uint32_t number, std::string record = "record") {
  std::string id(kInboxIdBytes, '\0');
  // Bytes above 127 sort behind the others, whatever a char is.
  for (std::size_t i = 0; i < 4; ++i) id[i] = static_cast<char>(number >> (24 - 8 * i));
  return {.key = {.slot = slot, .id = std::move(id)}, .record = std::move(record)};
}

template <typename Harness>
class InboxContract : public testing::Test {
 protected:
  using Rows = std::vector<InboxRow>;

  void append(Rows rows) {
    const auto done = harness_.run(harness_.inbox().append(std::move(rows)));
    ASSERT_TRUE(done) << done.error().detail;
  }
  void remove(std::vector<InboxKey> keys) {
    const auto done = harness_.run(harness_.inbox().remove(std::move(keys)));
    ASSERT_TRUE(done) << done.error().detail;
  }
  // As another node sees it.
  Rows read(std::uint16_t bucket, std::optional<InboxKey> after = std::nullopt,
            std::size_t rows_max = 1'000) {
    auto rows = harness_.run(harness_.other().read(bucket, std::move(after), rows_max));
    if (rows) return *std::move(rows);
    ADD_FAILURE() << rows.error().detail;
    return {};
  }

  Harness harness_;
};

TYPED_TEST_SUITE_P(InboxContract);

TYPED_TEST_P(InboxContract, IsEmptyAtFirst) {
  for (std::uint16_t bucket = 0; bucket < kInboxBuckets; ++bucket)
    EXPECT_TRUE(this->read(bucket).empty());
}

TYPED_TEST_P(InboxContract, ShowsEveryNodeWhatAnotherAppendedByteForByte) {
  std::string every(256, '\0');
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<char>(i);
  const std::vector rows = {inbox_row(5, 1, every), inbox_row(5, 2, ""),
                            inbox_row(5, 3, std::string(kInboxRecordBytesMax, 'x'))};
  this->append(rows);
  EXPECT_EQ(this->read(5), rows);
}

TYPED_TEST_P(InboxContract, ListsABucketBySlotAndIdAndNothingOfOthers) {
  const std::uint16_t far = kSlots - kInboxBuckets;  // of bucket 0, as 0 and 32 are
  const std::vector wanted = {inbox_row(0, 1),  inbox_row(0, 2),           inbox_row(32, 0),
                              inbox_row(32, 1), inbox_row(32, 0xff000000), inbox_row(far, 0)};
  auto mixed = wanted;
  std::ranges::reverse(mixed);
  mixed.push_back(inbox_row(1, 7));
  mixed.push_back(inbox_row(kSlots - 1, 7));
  this->append(mixed);
  EXPECT_EQ(this->read(0), wanted);
  EXPECT_EQ(this->read(1).size(), 1u);
  EXPECT_EQ(this->read(31).size(), 1u);
  EXPECT_TRUE(this->read(2).empty());
}

TYPED_TEST_P(InboxContract, IsReadOnBehindAnyKeyAlsoOneThatIsNotThere) {
  std::vector<InboxRow> rows;
  for (std::uint32_t i = 0; i < 10; ++i) rows.push_back(inbox_row(i < 5 ? 3 : 35, 2 * i));
  this->append(rows);
  std::vector<InboxRow> all;
  std::optional<InboxKey> after;
  for (;;) {
    const auto some = this->read(3, after, 4);
    if (some.empty()) break;
    EXPECT_LE(some.size(), 4u);
    all.insert(all.end(), some.begin(), some.end());
    after = some.back().key;
  }
  EXPECT_EQ(all, rows);
  const std::vector behind(rows.begin() + 2, rows.end());
  EXPECT_EQ(this->read(3, inbox_row(3, 3).key), behind);
  EXPECT_TRUE(this->read(3, inbox_row(67, 0).key).empty());
}

TYPED_TEST_P(InboxContract, TakesARowTwiceAsOne) {
  this->append({inbox_row(5, 1), inbox_row(5, 2)});
  this->append({inbox_row(5, 2), inbox_row(5, 3)});
  EXPECT_EQ(this->read(5), (std::vector{inbox_row(5, 1), inbox_row(5, 2), inbox_row(5, 3)}));
}

TYPED_TEST_P(InboxContract, RemovesExactlyTheRowsThatWereNamed) {
  this->append({inbox_row(5, 1), inbox_row(5, 3), inbox_row(37, 1), inbox_row(6, 1)});
  const auto seen = this->read(5);
  this->append({inbox_row(5, 2)});  // among those that were read, and after it
  std::vector<InboxKey> keys;
  for (const InboxRow& row : seen) keys.push_back(row.key);
  keys.push_back(inbox_row(5, 99).key);  // never there
  this->remove(keys);
  EXPECT_EQ(this->read(5), std::vector{inbox_row(5, 2)});
  EXPECT_EQ(this->read(6), std::vector{inbox_row(6, 1)});
  this->remove(keys);
  EXPECT_EQ(this->read(5), std::vector{inbox_row(5, 2)});
}

TYPED_TEST_P(InboxContract, TakesAndGivesAndRemovesManyAtOnce) {
  constexpr std::uint32_t kMany = 2'500;  // more than a batch or a page of any adapter
  std::vector<InboxRow> rows;
  std::vector<InboxKey> keys;
  for (std::uint32_t i = 0; i < kMany; ++i) {
    rows.push_back(inbox_row(static_cast<std::uint16_t>(i % 64), i, std::string(200, 'r')));
    keys.push_back(rows.back().key);
  }
  this->append(rows);
  std::size_t count = 0;
  for (std::uint16_t bucket = 0; bucket < kInboxBuckets; ++bucket)
    count += this->read(bucket, std::nullopt, kMany).size();
  EXPECT_EQ(count, kMany);
  this->remove(keys);
  for (std::uint16_t bucket = 0; bucket < kInboxBuckets; ++bucket)
    EXPECT_TRUE(this->read(bucket).empty());
}

TYPED_TEST_P(InboxContract, TakesAndRemovesNothing) {
  this->append({});
  this->remove({});
  EXPECT_TRUE(this->read(0).empty());
}

TYPED_TEST_P(InboxContract, RefusesWhatHasNoProperPlaceOrIsTooLargeWhole) {
  std::vector<InboxRow> wrong = {inbox_row(kSlots, 1), inbox_row(5, 1), inbox_row(5, 1)};
  wrong[1].key.id.pop_back();
  wrong[2].record.assign(kInboxRecordBytesMax + 1, 'x');
  for (const InboxRow& row : wrong) {
    const auto done = this->harness_.run(this->harness_.inbox().append({inbox_row(5, 9), row}));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kInvalidArgument);
  }
  EXPECT_TRUE(this->read(5).empty());
}

REGISTER_TYPED_TEST_SUITE_P(InboxContract, IsEmptyAtFirst,
                            ShowsEveryNodeWhatAnotherAppendedByteForByte,
                            ListsABucketBySlotAndIdAndNothingOfOthers,
                            IsReadOnBehindAnyKeyAlsoOneThatIsNotThere, TakesARowTwiceAsOne,
                            RemovesExactlyTheRowsThatWereNamed, TakesAndGivesAndRemovesManyAtOnce,
                            TakesAndRemovesNothing, RefusesWhatHasNoProperPlaceOrIsTooLargeWhole);

}  // namespace playhead
