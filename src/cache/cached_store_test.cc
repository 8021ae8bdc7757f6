// Goal: whatever the cache does, an answer that may say `stale: false` misses nothing that was
// acknowledged and shows nothing that was erased; and one that says `as_of` holds all of before.
// Method: nodes that take the leases from each other read and write at once through one cache,
// which loses, delays, repeats and forgets what it is told, and shows pages of long ago; over a
// store that fails, and whose failed writes land late, if ever. Each answer is compared with a
// ledger.
#include "cache/cached_store.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "cache/cached_store_model.h"

namespace playhead {
namespace {

TEST(CachedStore, AFreshAnswerNeverMissesWhatWasAcknowledgedWhateverTheCacheDoes) {
  ModelCounts counts;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    CachedModel(seed, counts).play();
    if (testing::Test::HasFailure()) return;
  }
  counts.expect_all_happened();
}

class OneNode : public testing::Test {
 protected:
  OneNode() { open({.page_rows = 4}); }

  void open(const CachedStoreOptions& options) {
    auto cache = std::make_unique<ModelCache>(pages_, prng_, counts_, 4);
    cache_ = cache.get();
    cache_->set_faults(false);
    cached_ = std::make_unique<CachedStore>(store_, std::move(cache), clock_, options);
    cached_->set_leases([this](std::uint16_t) { return lease_; });
  }
  Result<void> put(int number, Playhead playhead, bool first = true, bool position_only = false) {
    std::vector<Change> changes;
    changes.push_back(ViewChange{.view = make_row(profile_, number, playhead),
                                 .first = first,
                                 .position_only = position_only});
    return run_to_end(cached_->write(std::move(changes)));
  }
  HistoryRows read(std::size_t rows_max = 4) {
    return value_of(run_to_end(cached_->history(profile_, std::nullopt, rows_max)));
  }
  std::vector<Playhead> playheads(std::size_t rows_max = 4) {
    std::vector<Playhead> out;
    for (const StoredView& row : read(rows_max).views) out.push_back(row.view.playhead);
    return out;
  }
  std::uint64_t unused(Unused why) const {
    return cached_->figures().unused[static_cast<std::size_t>(why)];
  }

  using Rows = std::vector<Playhead>;
  const ProfileRef profile_{"_", "a1", "p1"};
  Prng prng_{1};
  ModelCounts counts_;
  ModelClock clock_;
  ModelStore store_{prng_, counts_, false};
  ModelCache::Pages pages_;
  SlotLease lease_{.epoch = 7, .holds = true};
  ModelCache* cache_ = nullptr;
  std::unique_ptr<CachedStore> cached_;
};

TEST_F(OneNode, ServesTheSecondReadFromThePageThatTheFirstOneFilled) {
  ASSERT_TRUE(put(1, 1'000));
  EXPECT_EQ(playheads(), (Rows{1'000}));
  EXPECT_EQ(unused(Unused::kUnknown), 1u);
  EXPECT_EQ(playheads(), (Rows{1'000}));
  ASSERT_TRUE(put(2, 2'000));
  EXPECT_EQ(playheads(), (Rows{2'000, 1'000}));
  EXPECT_EQ(cached_->figures().fresh, 2u);
  EXPECT_EQ(cached_->figures().versions, 1u);
}

TEST_F(OneNode, ReadsTheStoreForMoreRowsThanThePageHas) {
  for (int i = 0; i < 12; i += 2) ASSERT_TRUE(put(i, 1'000 + i));
  EXPECT_EQ(read(4).views.size(), 4u);
  const HistoryRows some = read(3);
  EXPECT_EQ(some.views.size(), 3u);
  EXPECT_TRUE(some.more);
  EXPECT_EQ(cached_->figures().fresh, 1u);
  EXPECT_EQ(read(6).views.size(), 6u);
  EXPECT_FALSE(read(6).more);
  EXPECT_EQ(unused(Unused::kShort), 2u);
}

TEST_F(OneNode, LeavesThePageAsItIsWhenOnlyAPositionIsWritten) {
  ASSERT_TRUE(put(1, 1'000));
  (void)read();
  ASSERT_TRUE(put(1, 2'000, false, true));
  EXPECT_EQ(playheads(), (Rows{1'000})) << "as the store's history has it";
  EXPECT_EQ(cached_->figures().fresh, 1u);
  ASSERT_TRUE(put(1, 3'000, false));
  EXPECT_EQ(playheads(), (Rows{3'000}));
  EXPECT_EQ(cached_->figures().fresh, 2u);
}

TEST_F(OneNode, TakesNoPageOfBeforeAWriteWhoseOutcomeIsUnknown) {
  ASSERT_TRUE(put(1, 1'000));
  (void)read();
  store_.fail_next();
  EXPECT_FALSE(put(1, 2'000));
  EXPECT_EQ(playheads(), (Rows{2'000})) << "it has landed nonetheless";
  EXPECT_EQ(cached_->figures().fresh, 0u);
  EXPECT_EQ(playheads(), (Rows{2'000}));
  EXPECT_EQ(cached_->figures().fresh, 1u);
}

TEST_F(OneNode, DoesNotAskWithoutALeaseThatHolds) {
  ASSERT_TRUE(put(1, 1'000));
  (void)read();
  lease_.holds = false;
  EXPECT_EQ(playheads(), (Rows{1'000}));
  EXPECT_EQ(unused(Unused::kUnheld), 1u);
  EXPECT_EQ(cache_->asked(), 0);
  lease_.holds = true;
  EXPECT_EQ(playheads(), (Rows{1'000}));
  EXPECT_EQ(cached_->figures().fresh, 1u) << "nobody else had the slot meanwhile";
  lease_.epoch = 8;
  EXPECT_EQ(playheads(), (Rows{1'000}));
  EXPECT_EQ(cached_->figures().fresh, 1u) << "but now somebody may have had it";
}

TEST_F(OneNode, SaysHowOldThePageOfAnothersAccountIs) {
  ASSERT_TRUE(put(1, 1'000));
  lease_ = {};
  EXPECT_FALSE(read().as_of) << "the store's";
  const Instant filled = clock_.now();
  clock_.advance(1'000);
  const HistoryRows page = read();
  ASSERT_TRUE(page.as_of);
  EXPECT_EQ(*page.as_of, filled);
  EXPECT_EQ(cached_->figures().stale, 1u);
  clock_.advance(CachedStoreOptions{}.foreign_age_max_ms);
  EXPECT_FALSE(read().as_of);
  EXPECT_EQ(unused(Unused::kOld), 1u);
}

TEST_F(OneNode, KnowsNoMoreVersionsThanItMay) {
  open({.page_rows = 4, .versions_max = 16});
  for (int i = 0; i < 1'000; ++i) {
    const ProfileRef profile{"_", "a" + std::to_string(i), "p1"};
    EXPECT_TRUE(run_to_end(cached_->history(profile, std::nullopt, 4)));
  }
  EXPECT_LE(cached_->figures().versions, 16u);
}

TEST_F(OneNode, ADeadCacheIsFilledNoMoreAndCostsNoAnswer) {
  ASSERT_TRUE(put(1, 1'000));
  (void)read();
  cache_->die();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(playheads(), (Rows{1'000}));
  ASSERT_TRUE(put(1, 2'000));
  EXPECT_EQ(playheads(), (Rows{2'000}));
  EXPECT_EQ(store_.largest_read(), 4u);
  EXPECT_EQ(read(2).views.size(), 1u);
}

}  // namespace
}  // namespace playhead
