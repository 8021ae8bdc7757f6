// What is older than is kept: hidden at once, and gone with the next compaction.
#include "store/rocksdb/retention.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/test_directory.h"
#include "store/rocksdb/families.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

constexpr Millis kDayMs = 86'400'000;
constexpr std::int64_t kStart = 1'700'000'000'000;

class TestClock final : public Clock {
 public:
  Instant now() const override { return {now_ms}; }
  Millis monotonic_ms() const override { return now_ms; }
  std::int64_t now_ms = kStart + kDayMs;
};

class RetentionTest : public testing::Test {
 protected:
  RocksStoreOptions options(std::uint32_t days) const {
    RocksStoreOptions out;
    out.path = (directory_.root() / "store").string();
    out.retention_days = days;
    out.clock = &clock_;
    return out;
  }
  void fill() {
    const auto store = *RocksStore::open(options(30));
    std::vector<Change> changes;
    for (const ViewSpec& spec :
         {ViewSpec{.view = "old", .active = false}, ViewSpec{.view = "on", .title = "t2"},
          ViewSpec{
              .view = "new", .title = "t3", .start_ms = kStart + 40 * kDayMs, .active = false}}) {
      changes.push_back(ViewChange{.view = make_view(spec)});
      changes.push_back(TitleChange{
          .profile = profile_, .title = spec.title, .delta = title_at(spec.start_ms, 5'000)});
    }
    ASSERT_TRUE(run_to_end(store->write(std::move(changes))));
    ASSERT_TRUE(run_to_end(store->settle()));
  }
  static std::vector<std::string> titles(Store& store) {
    std::vector<std::string> out;
    for (const NamedTitle& title : *run_to_end(store.all_titles({"_", "a1", "p1"}, 10)))
      out.push_back(title.title);
    return out;
  }
  static std::vector<std::string> history(Store& store) {
    std::vector<std::string> out;
    const auto rows = run_to_end(store.history({"_", "a1", "p1"}, std::nullopt, 10));
    for (const StoredView& view : rows->views) out.emplace_back(view.ids.get().view);
    return out;
  }

  using Names = std::vector<std::string>;
  const ProfileRef profile_{"_", "a1", "p1"};
  TestDirectory directory_;
  TestClock clock_;
};

TEST_F(RetentionTest, HidesWhatIsOlderButForActiveViews) {
  fill();
  const auto store = *RocksStore::open(options(30));
  EXPECT_EQ(history(*store), (Names{"new", "old", "on"}));
  EXPECT_EQ(titles(*store), (Names{"t1", "t2", "t3"}));
  clock_.now_ms = kStart + 31 * kDayMs;
  EXPECT_EQ(history(*store), Names{"new"}) << "an active view is in memory as well";
  EXPECT_EQ(titles(*store), Names{"t3"});
  const auto old = *run_to_end(store->view({"_", "a1"}, "old"));
  ASSERT_TRUE(old) << "the fold must know that it was";
  EXPECT_TRUE(store->is_over(*old));
  EXPECT_TRUE(*run_to_end(store->view({"_", "a1"}, "on")));
  const auto some = run_to_end(store->titles(profile_, {"t1", "t2", "t3"}));
  EXPECT_FALSE((*some)[0] || (*some)[1]);
  EXPECT_TRUE((*some)[2]);
}

// However many of them a compaction has not dropped yet: a page with more behind it has a row.
TEST_F(RetentionTest, EndsTheHistoryWhereOlderRowsBegin) {
  const auto store = *RocksStore::open(options(30));
  std::vector<Change> changes;
  for (int i = 0; i < 10; ++i)
    changes.push_back(
        ViewChange{.view = make_view({.view = "old-" + std::to_string(i), .active = false})});
  changes.push_back(ViewChange{
      .view = make_view({.view = "new", .start_ms = kStart + 40 * kDayMs, .active = false})});
  ASSERT_TRUE(run_to_end(store->write(std::move(changes))));
  clock_.now_ms = kStart + 41 * kDayMs;
  const auto first = run_to_end(store->history(profile_, std::nullopt, 3));
  ASSERT_EQ(first->views.size(), 1u);
  EXPECT_FALSE(first->more);
  const auto rest =
      run_to_end(store->history(profile_, HistoryKey{first->views[0].keyed_start, "new"}, 3));
  EXPECT_TRUE(rest->views.empty());
  EXPECT_FALSE(rest->more);
}

TEST_F(RetentionTest, KeepsEverythingWhereNoneIsSet) {
  fill();
  clock_.now_ms = kStart + 4'000 * kDayMs;
  const auto store = *RocksStore::open(options(0));
  EXPECT_EQ(history(*store), (Names{"new", "old", "on"}));
  EXPECT_EQ(titles(*store), (Names{"t1", "t2", "t3"}));
}

TEST_F(RetentionTest, DropsRowsInACompaction) {
  fill();
  clock_.now_ms = kStart + 31 * kDayMs;
  {
    const auto families = Families::open(options(30), Families::Access::kWrite);
    ASSERT_TRUE(families);
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    // The first pass makes rows of merges, which the second may drop.
    for (int pass = 0; pass < 2; ++pass)
      for (rocksdb::ColumnFamilyHandle* family : families->all())
        ASSERT_TRUE(families->db().CompactRange(all, family, nullptr, nullptr).ok());
  }
  const auto store = *RocksStore::open(options(0));
  EXPECT_EQ(history(*store), Names{"new"}) << "of an active view the place goes, and the row stays";
  EXPECT_TRUE(*run_to_end(store->view({"_", "a1"}, "on")));
  EXPECT_FALSE(*run_to_end(store->view({"_", "a1"}, "old")));
  EXPECT_EQ(titles(*store), Names{"t3"});
}

TEST_F(RetentionTest, IsKnownToTheCheck) {
  fill();
  const std::string path = options(30).path;
  {
    const auto families = Families::open(options(30), Families::Access::kWrite);
    clock_.now_ms = kStart + 31 * kDayMs;
    rocksdb::CompactRangeOptions all;
    all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    ASSERT_TRUE(families->db().CompactRange(all, families->history(), nullptr, nullptr).ok());
  }
  const auto report = check_store(path);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->sound()) << report->damage.front();
}

}  // namespace
}  // namespace playhead
