// The tests that every Cache passes, against a real server that is killed, frozen, emptied and made
// to lie. For test programs only.
//
// A cache's own test names a Harness and instantiates the suite:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memcached, CacheContract, MemcachedHarness);
// A Harness has
//   TestServer& server()
//   std::unique_ptr<Cache> make(CacheOptions, const Clock&)  another node's
//   void flush()                                the server forgets all, and runs on
//   Texts texts(cluster, profile)               what lies in the server of a page
//   void plant(cluster, profile, Texts)         puts such in its place, under a profile's key
//   Texts of_newer_release(Texts)
//   void damage_parts(cluster, profile, Prng&)  loses or misplaces something of a page of many
//   parts Millis left_ms(cluster, profile)            until the server drops the page void
//   shorten(cluster, profile, Millis)      that time
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "cache/cache_owner_model.h"
#include "cache/cache_test_kit.h"

namespace playhead {

template <typename Harness>
class CacheContract : public testing::Test {
 protected:
  static constexpr Millis kPatienceMs = 60'000;  ///< no test waits for it to pass

  Cache& cache() {
    if (!cache_) open({});
    return *cache_;
  }
  /// Another node's cache takes the place of the test's.
  void open(CacheOptions options) {
    options.name = kCluster;
    cache_ = harness_.make(std::move(options), clock_);
  }
  Deadline patient() { return Deadline::after(clock_, kPatienceMs); }
  Deadline soon() { return Deadline::after(clock_, 30); }

  std::expected<Page, Miss> newest(const ProfileRef& profile) {
    return run_to_end(cache().newest(profile, patient()));
  }
  /// The rows of a hit; the test fails if it is a miss.
  std::vector<std::string> rows(const ProfileRef& profile) {
    auto page = newest(profile);
    if (page) return bytes_of(page->rows);
    ADD_FAILURE() << "miss " << static_cast<int>(page.error());
    return {};
  }
  Miss miss(const ProfileRef& profile) {
    const auto page = newest(profile);
    EXPECT_FALSE(page) << "a hit, where a miss was due";
    return miss_of(page);
  }
  Written put(PageVersion before, PageVersion after, std::vector<StoredView> rows) {
    return run_to_end(cache().put({.profile = profile_,
                                   .before = before,
                                   .after = after,
                                   .as_of = clock_.now(),
                                   .rows = std::move(rows)},
                                  patient()));
  }
  Written fill(PageVersion version, std::vector<StoredView> rows, bool whole = true) {
    return fill_of(profile_, version, std::move(rows), whole);
  }
  Written fill_of(const ProfileRef& profile, PageVersion version, std::vector<StoredView> rows,
                  bool whole = true) {
    Page page{.version = version, .as_of = clock_.now(), .whole = whole, .rows = std::move(rows)};
    return run_to_end(cache().fill(profile, std::move(page), patient()));
  }
  Written forget(PageVersion at) { return run_to_end(cache().forget(profile_, at, patient())); }

  std::vector<StoredView> views(const std::vector<int>& numbers, Playhead playhead = 5'000) {
    std::vector<StoredView> out;
    for (const int number : numbers) out.push_back(make_row(profile_, number, playhead));
    return out;
  }
  std::vector<std::string> bytes(const std::vector<int>& numbers) {
    return bytes_of(views(numbers));
  }

  /// Asks until `done` says so, or patience is at its end.
  template <typename Done>
  bool eventually(Done done) {
    const Deadline deadline = patient();
    while (!deadline.passed(clock_))
      if (done()) return true;
    return false;
  }

  static constexpr const char* kCluster = "test";
  const ProfileRef profile_{"_", "a1", "p1"}, other_{"_", "a1", "p2"};
  ShiftedClock clock_;
  Harness harness_;
  std::unique_ptr<Cache> cache_;
};

TYPED_TEST_SUITE_P(CacheContract);

TYPED_TEST_P(CacheContract, KnowsNothingAtFirst) {
  EXPECT_EQ(this->miss(this->profile_), Miss::kAbsent);
  EXPECT_EQ(this->cache().counters().missed(Miss::kAbsent), 1u);
}

TYPED_TEST_P(CacheContract, GivesBackWhatItWasFilledWith) {
  const Page page{.version = {3, 14},
                  .as_of = {1'700'000'000'123},
                  .whole = false,
                  .rows = this->views({2, 4, 5, 1, 3})};
  Page sent{.version = page.version,
            .as_of = page.as_of,
            .whole = page.whole,
            .rows = this->views({2, 4, 5, 1, 3})};
  EXPECT_EQ(run_to_end(this->cache().fill(this->profile_, std::move(sent), this->patient())),
            Written::kApplied);
  const auto back = this->newest(this->profile_);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version, page.version);
  EXPECT_EQ(back->as_of, page.as_of);
  EXPECT_FALSE(back->whole);
  // Newest first; 4 and 5 start together, as 2 and 3 do: then by view.
  EXPECT_EQ(bytes_of(back->rows), this->bytes({4, 5, 2, 3, 1}));
  EXPECT_EQ(this->cache().counters().hits, 1u);
}

TYPED_TEST_P(CacheContract, RemembersThatAProfileHasNoHistory) {
  EXPECT_EQ(this->fill({1, 1}, {}), Written::kApplied);
  const auto page = this->newest(this->profile_);
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->whole && page->rows.empty());
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({3})), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({3}));
}

TYPED_TEST_P(CacheContract, PutReplacesARowAndTakesANewOneToItsPlace) {
  this->fill({1, 1}, this->views({2, 4, 8}));
  std::vector<StoredView> changed = this->views({4}, 77'000);
  changed.push_back(make_row(this->profile_, 6));
  changed.push_back(make_row(this->profile_, 1));
  EXPECT_EQ(this->put({1, 1}, {1, 2}, std::move(changed)), Written::kApplied);
  const auto page = this->newest(this->profile_);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->version, (PageVersion{1, 2}));
  EXPECT_TRUE(page->whole);
  std::vector<StoredView> wanted = this->views({8, 6});
  wanted.push_back(make_row(this->profile_, 4, 77'000));
  wanted.push_back(make_row(this->profile_, 2));
  wanted.push_back(make_row(this->profile_, 1));
  EXPECT_EQ(bytes_of(page->rows), bytes_of(wanted));
}

TYPED_TEST_P(CacheContract, LeavesOutWhatLiesBehindTheEndOfAPageThatIsNotWhole) {
  this->fill({1, 1}, this->views({6, 8}), false);
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({2})), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({8, 6}));
  // The last row itself may change, and stays.
  EXPECT_EQ(this->put({1, 2}, {1, 3}, this->views({6}, 9'000)), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_).back(), bytes_of(make_row(this->profile_, 6, 9'000)));
}

TYPED_TEST_P(CacheContract, KeepsTheNewestRowsAndThenIsNotWhole) {
  this->open({.page_rows_max = 4});
  this->fill({1, 1}, this->views({2, 4, 6}));
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({8})), Written::kApplied);
  EXPECT_TRUE(this->newest(this->profile_)->whole);
  EXPECT_EQ(this->put({1, 2}, {1, 3}, this->views({10, 12})), Written::kApplied);
  EXPECT_FALSE(this->newest(this->profile_)->whole);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({12, 10, 8, 6}));
  EXPECT_EQ(this->fill({1, 4}, this->views({1, 3, 5, 7, 9})), Written::kApplied);
  EXPECT_FALSE(this->newest(this->profile_)->whole);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({9, 7, 5, 3}));
}

TYPED_TEST_P(CacheContract, ListsNoViewThatNoHistoryLists) {
  this->fill({1, 1}, this->views({2}));
  std::vector<StoredView> hidden = this->views({4});
  hidden[0].view.record = false;
  EXPECT_EQ(this->put({1, 1}, {1, 2}, std::move(hidden)), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
}

TYPED_TEST_P(CacheContract, PutMakesNoPageWhereThereIsNone) {
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({1})), Written::kAbsent);
  EXPECT_EQ(this->miss(this->profile_), Miss::kAbsent);
}

TYPED_TEST_P(CacheContract, RemovesAPageThatMissedAPutAndLetsNoOlderOneIn) {
  this->fill({1, 1}, this->views({2}));
  // {1, 1} to {1, 2} was dropped on the way.
  EXPECT_EQ(this->put({1, 2}, {1, 3}, this->views({6})), Written::kGap);
  EXPECT_EQ(this->miss(this->profile_), Miss::kAbsent);
  EXPECT_EQ(this->fill({1, 2}, this->views({2, 4})), Written::kNewer);
  EXPECT_EQ(this->fill({}, this->views({2, 4})), Written::kNewer);
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({4})), Written::kNewer) << "it came after all";
  EXPECT_EQ(this->put({1, 3}, {1, 4}, this->views({8})), Written::kAbsent);
  EXPECT_EQ(this->miss(this->profile_), Miss::kAbsent);
  EXPECT_EQ(this->fill({1, 4}, this->views({2, 4, 6, 8})), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({8, 6, 4, 2}));
}

TYPED_TEST_P(CacheContract, TakesNoPutOfAnOwnerBefore) {
  this->fill({2, 1}, this->views({2}));
  EXPECT_EQ(this->put({1, 8}, {1, 9}, this->views({4})), Written::kNewer);
  EXPECT_EQ(this->fill({1, 9}, this->views({2, 4})), Written::kNewer);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
  EXPECT_EQ(this->put({2, 1}, {2, 1}, this->views({4})), Written::kNewer) << "no version twice";
  EXPECT_EQ(this->put({3, 0}, {3, 1}, this->views({4})), Written::kGap) << "nor of one after it";
}

TYPED_TEST_P(CacheContract, APageOfUnknownVersionReplacesNoneButItsLike) {
  EXPECT_EQ(this->fill({}, this->views({2})), Written::kApplied);
  EXPECT_EQ(this->fill({}, this->views({4})), Written::kApplied);
  EXPECT_EQ(this->newest(this->profile_)->version, PageVersion{});
  EXPECT_EQ(this->rows(this->profile_), this->bytes({4}));
  EXPECT_EQ(this->fill({1, 1}, this->views({6})), Written::kApplied);
  EXPECT_EQ(this->fill({}, this->views({8})), Written::kNewer);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({6}));
  this->harness_.flush();
  this->fill({}, this->views({2}));
  EXPECT_EQ(this->put({}, {1, 2}, this->views({4})), Written::kGap) << "nobody knows what it lacks";
}

TYPED_TEST_P(CacheContract, AForgottenPageDoesNotComeBackByAnOlderRead) {
  this->fill({1, 1}, this->views({2}));
  EXPECT_EQ(this->forget({1, 2}), Written::kApplied);
  EXPECT_EQ(this->miss(this->profile_), Miss::kAbsent);
  EXPECT_EQ(this->fill({1, 1}, this->views({2})), Written::kNewer);
  EXPECT_EQ(this->fill({}, this->views({2})), Written::kNewer);
  EXPECT_EQ(this->put({1, 2}, {1, 3}, this->views({4})), Written::kAbsent);
  EXPECT_EQ(this->fill({1, 3}, this->views({4})), Written::kApplied);
  EXPECT_EQ(this->forget({1, 2}), Written::kNewer) << "the erasure came before that page";
  EXPECT_EQ(this->rows(this->profile_), this->bytes({4}));
  // Where there is none, an older one is kept out as well.
  this->harness_.flush();
  EXPECT_EQ(this->forget({1, 4}), Written::kApplied);
  EXPECT_EQ(this->fill({1, 3}, this->views({4})), Written::kNewer);
  EXPECT_GT(this->harness_.left_ms(this->kCluster, this->profile_), 0);
}

TYPED_TEST_P(CacheContract, ProfilesAndClustersDoNotMix) {
  this->fill({1, 1}, this->views({2}));
  EXPECT_EQ(this->miss(this->other_), Miss::kAbsent);
  const auto elsewhere = this->harness_.make({.name = "elsewhere"}, this->clock_);
  EXPECT_FALSE(run_to_end(elsewhere->newest(this->profile_, this->patient())));
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
}

TYPED_TEST_P(CacheContract, ProlongsAPageThatIsReadWhenHalfOfItsTimeHasPassed) {
  this->fill({1, 1}, this->views({2}));
  const Millis full = this->harness_.left_ms(this->kCluster, this->profile_);
  EXPECT_GT(full, 30'000);
  EXPECT_LE(full, 60'000);
  (void)this->rows(this->profile_);
  EXPECT_EQ(this->cache().counters().refreshed, 0u);
  this->clock_.shift(31'000);
  this->harness_.shorten(this->kCluster, this->profile_, 20'000);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
  EXPECT_EQ(this->cache().counters().refreshed, 1u);
  EXPECT_GT(this->harness_.left_ms(this->kCluster, this->profile_), 30'000);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
  EXPECT_EQ(this->cache().counters().refreshed, 1u) << "once is enough";
}

TYPED_TEST_P(CacheContract, NoReadProlongsAPageBeyondItsLife) {
  this->open({.page_ttl_ms = 60'000, .page_life_ms_max = 100'000});
  this->fill({1, 1}, this->views({2}));
  this->clock_.shift(70'000);
  this->harness_.shorten(this->kCluster, this->profile_, 5'000);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
  EXPECT_LE(this->harness_.left_ms(this->kCluster, this->profile_), 30'000);
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({4})), Written::kApplied);
  EXPECT_LE(this->harness_.left_ms(this->kCluster, this->profile_), 30'000) << "nor does a put";
  // A server that does not drop it is not believed.
  this->clock_.shift(31'000);
  EXPECT_EQ(this->miss(this->profile_), Miss::kExpired);
  EXPECT_EQ(this->put({1, 2}, {1, 3}, this->views({6})), Written::kGap);
}

TYPED_TEST_P(CacheContract, APageThatNobodyProlongsGoesByItself) {
  this->open({.page_ttl_ms = 1'000, .page_life_ms_max = 1'000});
  this->fill({1, 1}, this->views({2}));
  EXPECT_TRUE(
      this->eventually([&] { return this->harness_.left_ms(this->kCluster, this->profile_) < 0; }));
}

// Lying: what it gives is not what was given to it.

TYPED_TEST_P(CacheContract, AValueUnderAnotherProfilesKeyIsAMiss) {
  this->fill({1, 1}, this->views({2, 4}));
  this->harness_.plant(this->kCluster, this->other_,
                       this->harness_.texts(this->kCluster, this->profile_));
  EXPECT_EQ(this->miss(this->other_), Miss::kForeign);
  EXPECT_EQ(this->cache().counters().missed(Miss::kForeign), 1u);
  EXPECT_EQ(this->fill_of(this->other_, {1, 1}, {}), Written::kApplied) << "and can be replaced";
  EXPECT_TRUE(this->rows(this->other_).empty());
}

TYPED_TEST_P(CacheContract, AValueOfAnotherClusterIsAMiss) {
  this->fill({1, 1}, this->views({2, 4}));
  this->harness_.plant("elsewhere", this->profile_,
                       this->harness_.texts(this->kCluster, this->profile_));
  const auto elsewhere = this->harness_.make({.name = "elsewhere"}, this->clock_);
  EXPECT_EQ(miss_of(run_to_end(elsewhere->newest(this->profile_, this->patient()))),
            Miss::kForeign);
}

TYPED_TEST_P(CacheContract, APageOfANewerReleaseIsAMiss) {
  this->fill({1, 1}, this->views({2, 4}));
  this->harness_.plant(
      this->kCluster, this->profile_,
      this->harness_.of_newer_release(this->harness_.texts(this->kCluster, this->profile_)));
  EXPECT_EQ(this->miss(this->profile_), Miss::kFormat);
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({6})), Written::kGap);
}

TYPED_TEST_P(CacheContract, AnyBitThatFlippedMakesAMiss) {
  this->fill({1, 1}, this->views({2, 4}));
  const auto good = this->harness_.texts(this->kCluster, this->profile_);
  std::size_t flips = 0;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (std::size_t bit = 0; bit < good[i].size() * 8; ++bit, ++flips) {
      auto bad = good;
      bad[i][bit / 8] = static_cast<char>(bad[i][bit / 8] ^ 1 << bit % 8);
      this->harness_.plant(this->kCluster, this->profile_, bad);
      ASSERT_FALSE(this->newest(this->profile_)) << "text " << i << ", bit " << bit;
    }
  EXPECT_GT(flips, 1'000u);
  this->harness_.plant(this->kCluster, this->profile_, good);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({4, 2}));
}

TYPED_TEST_P(CacheContract, AValueCutShortIsAMissWhereverItIsCut) {
  this->fill({1, 1}, this->views({2, 4}));
  const auto good = this->harness_.texts(this->kCluster, this->profile_);
  for (std::size_t i = 0; i < good.size(); ++i)
    for (std::size_t size = 0; size < good[i].size(); ++size) {
      auto bad = good;
      bad[i].resize(size);
      this->harness_.plant(this->kCluster, this->profile_, bad);
      ASSERT_FALSE(this->newest(this->profile_)) << "text " << i << ", cut at " << size;
    }
}

TYPED_TEST_P(CacheContract, APutMakesNoGoodPageOfADamagedOne) {
  this->fill({1, 1}, this->views({2, 4}));
  const auto good = this->harness_.texts(this->kCluster, this->profile_);
  for (std::size_t i = 0; i < good.size(); ++i)
    for (std::size_t at = 0; at < good[i].size(); at += 3) {
      auto bad = good;
      bad[i][at] = static_cast<char>(bad[i][at] ^ 4);
      this->harness_.plant(this->kCluster, this->profile_, bad);
      (void)this->put({1, 1}, {1, 2}, this->views({2, 6}));
      const auto page = this->newest(this->profile_);
      // A damaged row that the put replaced by a good one may be forgiven.
      if (page) {
        ASSERT_EQ(bytes_of(page->rows), this->bytes({6, 4, 2})) << "text " << i << " at " << at;
      }
    }
  EXPECT_EQ(this->fill({1, 2}, this->views({2, 4, 6})), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({6, 4, 2}));
}

// Dead, slow, emptied.

TYPED_TEST_P(CacheContract, FlushedInTheMiddleItOnlyKnowsNothing) {
  this->fill({1, 1}, this->views({2}));
  this->harness_.flush();
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({4})), Written::kAbsent);
  EXPECT_EQ(this->miss(this->profile_), Miss::kAbsent);
  EXPECT_EQ(this->fill({1, 2}, this->views({2, 4})), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({4, 2}));
}

TYPED_TEST_P(CacheContract, ADeadServerIsAMissAndThenNotAskedForAWhile) {
  this->open({.failures_max = 3, .silence_ms = 3'600'000});
  this->fill({1, 1}, this->views({2}));
  this->harness_.server().kill();
  EXPECT_TRUE(this->eventually([&] { return this->miss(this->profile_) == Miss::kRefused; }));
  const CacheCounters counters = this->cache().counters();
  EXPECT_EQ(counters.hits, 0u);
  EXPECT_EQ(counters.missed(Miss::kFailed), 3u);
  EXPECT_EQ(counters.opened, 1u);
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({4})), Written::kRefused);
  EXPECT_EQ(this->forget({1, 3}), Written::kRefused)
      << "so an erasure knows that it has to repeat it";
}

TYPED_TEST_P(CacheContract, AServerThatIsBackIsUsedAgainAndKnowsNothing) {
  this->open({.failures_max = 1, .silence_ms = 1});
  this->fill({1, 1}, this->views({2}));
  this->harness_.server().kill();
  EXPECT_NE(this->miss(this->profile_), Miss::kAbsent);
  this->harness_.server().start();
  EXPECT_TRUE(this->eventually([&] { return this->miss(this->profile_) == Miss::kAbsent; }));
  EXPECT_EQ(this->fill({1, 1}, this->views({2})), Written::kApplied);
  EXPECT_EQ(this->rows(this->profile_), this->bytes({2}));
}

TYPED_TEST_P(CacheContract, ASlowServerIsAMissAtTheDeadlineAndThenNotAskedForAWhile) {
  this->open({.failures_max = 3, .silence_ms = 3'600'000});
  this->fill({1, 1}, this->views({2}));
  this->harness_.server().freeze();
  EXPECT_TRUE(this->eventually([&] {
    const auto page = run_to_end(this->cache().newest(this->profile_, this->soon()));
    EXPECT_FALSE(page);
    return !page && page.error() == Miss::kRefused;
  }));
  this->harness_.server().thaw();
  const CacheCounters counters = this->cache().counters();
  EXPECT_EQ(counters.opened, 1u);
  EXPECT_GE(counters.missed(Miss::kLate) + counters.missed(Miss::kFailed), 3u);
  EXPECT_EQ(this->put({1, 1}, {1, 2}, this->views({4})), Written::kRefused);
}

TYPED_TEST_P(CacheContract, AnAnswerThatCameTooLateIsNotTakenForAnotherOnes) {
  this->open({.lanes = 1, .failures_max = 1'000'000});
  std::vector<ProfileRef> profiles;
  for (int i = 0; i < 20; ++i) {
    profiles.push_back({"_", "a1", "profile" + std::to_string(i)});
    EXPECT_EQ(this->fill_of(profiles.back(), {1, 1}, {}), Written::kApplied);
  }
  for (int round = 0; round < 3; ++round) {
    this->harness_.server().freeze();
    EXPECT_FALSE(run_to_end(this->cache().newest(profiles[round], this->soon())));
    this->harness_.server().thaw();
    for (const ProfileRef& profile : profiles) {
      EXPECT_TRUE(this->eventually([&] { return this->newest(profile).has_value(); }));
    }
  }
  const CacheCounters counters = this->cache().counters();
  EXPECT_EQ(counters.missed(Miss::kForeign) + counters.missed(Miss::kDamaged), 0u);
}

TYPED_TEST_P(CacheContract, APutThatWasTooLateIsMissedByTheNextOne) {
  this->open({.lanes = 1, .failures_max = 1'000'000});
  this->fill({1, 1}, this->views({2}));
  this->harness_.server().freeze();
  const Written late = run_to_end(this->cache().put(
      {.profile = this->profile_, .before = {1, 1}, .after = {1, 2}, .rows = this->views({4})},
      this->soon()));
  EXPECT_TRUE(late == Written::kUnknown || late == Written::kRefused);
  this->harness_.server().thaw();
  // Whether it landed or not, the page is whole or gone.
  EXPECT_TRUE(this->eventually([&] {
    const Written next = this->put({1, 2}, {1, 3}, this->views({6}));
    return next != Written::kRefused && next != Written::kUnknown;
  }));
  const auto page = this->newest(this->profile_);
  if (page) {
    EXPECT_EQ(bytes_of(page->rows), this->bytes({6, 4, 2}));
  } else {
    EXPECT_EQ(page.error(), Miss::kAbsent);
  }
}

TYPED_TEST_P(CacheContract, CallsBeyondWhatMayWaitAreRefusedAtOnce) {
  this->open({.lanes = 1, .waiting_max = 2, .failures_max = 1'000'000});
  this->fill({1, 1}, this->views({2}));
  this->harness_.server().freeze();
  boost::asio::io_context context;
  for (int i = 0; i < 20; ++i)
    boost::asio::co_spawn(
        context, this->cache().newest(this->profile_, Deadline::after(this->clock_, 500)),
        [](std::exception_ptr, const std::expected<Page, Miss>& page) { EXPECT_FALSE(page); });
  context.run();
  this->harness_.server().thaw();
  EXPECT_GE(this->cache().counters().missed(Miss::kRefused), 1u);
  EXPECT_EQ(this->cache().counters().hits, 0u);
}

// Many at a time.

TYPED_TEST_P(CacheContract, OfConcurrentWritersNoPutIsLostUnlessItSaysSo) {
  constexpr int kWriters = 3, kPutsEach = 60;
  const CacheOptions options{.name = this->kCluster, .page_rows_max = 500, .lanes = 1};
  this->open(options);
  EXPECT_EQ(this->fill({1, 0}, {}), Written::kApplied);
  std::atomic<int> told = 0;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w)
    writers.emplace_back([&, w] {
      const auto cache = this->harness_.make(options, this->clock_);
      for (int done = 0; done < kPutsEach;) {
        const auto page = run_to_end(cache->newest(this->profile_, this->patient()));
        if (!page) {
          ADD_FAILURE() << "a miss of " << static_cast<int>(page.error());
          return;
        }
        PageChange change{.profile = this->profile_,
                          .before = page->version,
                          .after = {1, page->version.count + 1}};
        change.rows.push_back(make_row(this->profile_, done * kWriters + w));
        const Written written = run_to_end(cache->put(std::move(change), this->patient()));
        if (written == Written::kApplied)
          ++done;
        else
          ++told;
        EXPECT_TRUE(written == Written::kApplied || written == Written::kNewer ||
                    written == Written::kRefused);
      }
    });
  for (std::thread& writer : writers) writer.join();
  const auto page = this->newest(this->profile_);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->rows.size(), std::size_t{kWriters * kPutsEach});
  EXPECT_EQ(page->version.count, std::uint64_t{kWriters * kPutsEach});
  EXPECT_GT(told.load(), 0) << "they must really meet, or this test shows nothing";
}

// Goal: a hit at the version that the owner knows is what the store says, whatever the cache does.
// Method: an owner changes, erases and reads a profile over a cache whose puts are dropped, late
// and repeated, which is emptied, damaged, started anew and filled by others with what is old;
// after each step a hit is compared with the store.
TYPED_TEST_P(CacheContract, AHitAtTheOwnersVersionIsWhatTheStoreSays) {
  OwnerCounts counts;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    this->open({.page_rows_max = 6, .lanes = 1, .failures_max = 1'000'000});
    this->harness_.flush();
    OwnerModel<TypeParam> owner({.harness = this->harness_,
                                 .cache = this->cache(),
                                 .clock = this->clock_,
                                 .cluster = this->kCluster,
                                 .profile = {"_", "a1", "p" + std::to_string(seed)}},
                                Prng(seed), counts);
    for (int i = 0; i < 250 && !testing::Test::HasFailure(); ++i) owner.step();
  }
  counts.expect_all_happened();
}

REGISTER_TYPED_TEST_SUITE_P(
    CacheContract, KnowsNothingAtFirst, GivesBackWhatItWasFilledWith,
    RemembersThatAProfileHasNoHistory, PutReplacesARowAndTakesANewOneToItsPlace,
    LeavesOutWhatLiesBehindTheEndOfAPageThatIsNotWhole, KeepsTheNewestRowsAndThenIsNotWhole,
    ListsNoViewThatNoHistoryLists, PutMakesNoPageWhereThereIsNone,
    RemovesAPageThatMissedAPutAndLetsNoOlderOneIn, TakesNoPutOfAnOwnerBefore,
    APageOfUnknownVersionReplacesNoneButItsLike, AForgottenPageDoesNotComeBackByAnOlderRead,
    ProfilesAndClustersDoNotMix, ProlongsAPageThatIsReadWhenHalfOfItsTimeHasPassed,
    NoReadProlongsAPageBeyondItsLife, APageThatNobodyProlongsGoesByItself,
    AValueUnderAnotherProfilesKeyIsAMiss, AValueOfAnotherClusterIsAMiss,
    APageOfANewerReleaseIsAMiss, AnyBitThatFlippedMakesAMiss, AValueCutShortIsAMissWhereverItIsCut,
    APutMakesNoGoodPageOfADamagedOne, FlushedInTheMiddleItOnlyKnowsNothing,
    ADeadServerIsAMissAndThenNotAskedForAWhile, AServerThatIsBackIsUsedAgainAndKnowsNothing,
    ASlowServerIsAMissAtTheDeadlineAndThenNotAskedForAWhile,
    AnAnswerThatCameTooLateIsNotTakenForAnotherOnes, APutThatWasTooLateIsMissedByTheNextOne,
    CallsBeyondWhatMayWaitAreRefusedAtOnce, OfConcurrentWritersNoPutIsLostUnlessItSaysSo,
    AHitAtTheOwnersVersionIsWhatTheStoreSays);

}  // namespace playhead
