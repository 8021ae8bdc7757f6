// The tests that every Store passes, whatever it is made of. For test programs only.
//
// A store's own test names a Harness and instantiates the suite:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, StoreContract, RocksHarness);
// A Harness has: `Store& store()`; `T run(Task<T>)`, which drives a Task to its end (run_to_end(),
// unless its time is virtual); and `void
// crash()`, which takes from the store all that a crash may take and opens it anew.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "record/stored.h"
#include "runtime/run_to_end.h"
#include "store/store.h"

namespace playhead {

/// A view to store, told by the few things that the contract is about.
struct ViewSpec {
  std::string view = "v1";
  std::string tenant = "_", account = "a1", profile = "p1", title = "t1";
  std::int64_t start_ms = 1'700'000'000'000;
  Playhead playhead = 5'000;
  bool active = true;
  bool record = true;
};

inline StoredView make_view(const ViewSpec& spec) {
  StoredView out;
  out.ids = PackedIds({.tenant = spec.tenant,
                       .account = spec.account,
                       .profile = spec.profile,
                       .title = spec.title,
                       .view = spec.view,
                       .device = "tv"});
  out.view.start = Instant{spec.start_ms};
  out.view.playhead = spec.playhead;
  out.view.record = spec.record;
  out.keyed_start = Instant{spec.start_ms};
  out.last_arrival = Instant{spec.start_ms + 1'000};
  out.interval_ms = 10'000;
  out.active = spec.active;
  return out;
}

inline std::string bytes_of(const StoredView& view) {
  std::string out;
  encode(out, view);
  return out;
}

inline TitleState title_at(std::int64_t moved_ms, Playhead playhead) {
  TitleState out;
  out.position = {.moved = Instant{moved_ms}, .view = "v1", .device = "tv", .playhead = playhead};
  return out;
}

template <typename Harness>
class StoreContract : public testing::Test {
 protected:
  Store& store() { return harness_.store(); }

  template <typename T>
  T run(Task<T> task) {
    return harness_.run(std::move(task));
  }

  void write(std::vector<Change> changes) {
    const auto written = run(store().write(std::move(changes)));
    ASSERT_TRUE(written) << written.error().detail;
  }
  void put(const ViewSpec& spec, bool first = true) {
    std::vector<Change> changes;
    changes.push_back(ViewChange{.view = make_view(spec), .first = first});
    write(std::move(changes));
  }
  void merge(const ProfileRef& profile, const std::string& title, const TitleState& delta) {
    std::vector<Change> changes;
    changes.push_back(TitleChange{.profile = profile, .title = title, .delta = delta});
    write(std::move(changes));
  }
  void erase(EraseChange erasure) {
    std::vector<Change> changes;
    changes.push_back(std::move(erasure));
    write(std::move(changes));
  }
  void settle() {
    const auto settled = run(store().settle());
    ASSERT_TRUE(settled) << settled.error().detail;
  }

  // What a read gives; the test fails and goes on with nothing if it gave an error.
  template <typename T>
  T read(Task<Result<T>> task) {
    auto result = run(std::move(task));
    if (result) return std::move(*result);
    ADD_FAILURE() << result.error().detail;
    return T{};
  }
  static std::vector<std::string> names(const std::vector<StoredView>& views) {
    std::vector<std::string> out;
    for (const StoredView& view : views) out.emplace_back(view.ids.get().view);
    return out;
  }
  std::vector<std::string> active(const AccountRef& account) {
    auto out = names(read(store().active_views(account)));
    std::ranges::sort(out);
    return out;
  }
  std::vector<std::string> history(const ProfileRef& profile) {
    return names(read(store().history(profile, std::nullopt, 1'000)).views);
  }

  using Names = std::vector<std::string>;
  const AccountRef account_{"_", "a1"};
  const ProfileRef profile_{"_", "a1", "p1"};
  Harness harness_;
};

TYPED_TEST_SUITE_P(StoreContract);

TYPED_TEST_P(StoreContract, KnowsNothingAtFirst) {
  EXPECT_FALSE(this->read(this->store().view(this->account_, "v1")));
  EXPECT_TRUE(this->active(this->account_).empty());
  EXPECT_TRUE(this->history(this->profile_).empty());
  EXPECT_TRUE(this->read(this->store().profiles(this->account_, 10)).empty());
  EXPECT_TRUE(this->read(this->store().all_titles(this->profile_, 10)).empty());
  const auto titles = this->read(this->store().titles(this->profile_, {"t1", "t2"}));
  ASSERT_EQ(titles.size(), 2u);
  EXPECT_FALSE(titles[0] || titles[1]);
}

TYPED_TEST_P(StoreContract, GivesAViewBackAsItWasWritten) {
  this->put({.view = "v1", .playhead = 1'234});
  const auto read = this->read(this->store().view(this->account_, "v1"));
  ASSERT_TRUE(read);
  EXPECT_EQ(bytes_of(*read), bytes_of(make_view({.view = "v1", .playhead = 1'234})));
}

TYPED_TEST_P(StoreContract, ReplacesAViewWhole) {
  this->put({.playhead = 1'000});
  this->put({.playhead = 500, .active = false}, false);
  const auto read = this->read(this->store().view(this->account_, "v1"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->view.playhead, 500);
  EXPECT_FALSE(read->active);
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"v1"}));
}

TYPED_TEST_P(StoreContract, ListsAViewAsActiveOnlyWhileItIs) {
  this->put({.view = "v1"});
  this->put({.view = "v2", .profile = "p2"});
  this->put({.view = "v3", .active = false});
  using Names = typename TestFixture::Names;
  EXPECT_EQ(this->active(this->account_), (Names{"v1", "v2"}));
  this->put({.view = "v1", .active = false}, false);
  EXPECT_EQ(this->active(this->account_), (Names{"v2"}));
  this->put({.view = "v1"}, false);
  EXPECT_EQ(this->active(this->account_), (Names{"v1", "v2"}));
}

TYPED_TEST_P(StoreContract, KeepsAViewsPlacesWhenOnlyItsPositionIsWritten) {
  this->put({.view = "v1"});
  std::vector<Change> changes;
  changes.push_back(ViewChange{
      .view = make_view({.view = "v1", .playhead = 9'000}), .first = false, .position_only = true});
  this->write(std::move(changes));
  const auto view = this->read(this->store().view(this->account_, "v1"));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->view.playhead, 9'000);
  const auto active = this->read(this->store().active_views(this->account_));
  ASSERT_EQ(active.size(), 1u);
  EXPECT_EQ(active[0].view.playhead, 9'000);
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"v1"}));
  this->put({.view = "v1", .playhead = 9'500, .active = false}, false);
  EXPECT_TRUE(this->active(this->account_).empty());
  const auto rows = this->read(this->store().history(this->profile_, std::nullopt, 10)).views;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].view.playhead, 9'500) << "written whole, it is the same everywhere";
}

TYPED_TEST_P(StoreContract, WritesAViewWholeTheFirstTimeWhateverIsAskedFor) {
  std::vector<Change> changes;
  changes.push_back(
      ViewChange{.view = make_view({.view = "v1"}), .first = true, .position_only = true});
  this->write(std::move(changes));
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"v1"}));
  EXPECT_EQ(this->active(this->account_), (typename TestFixture::Names{"v1"}));
}

TYPED_TEST_P(StoreContract, TakesTheFirstWriteOfAViewTwice) {
  this->put({.view = "v1"});
  this->put({.view = "v1", .active = false});
  EXPECT_TRUE(this->active(this->account_).empty());
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"v1"}));
}

TYPED_TEST_P(StoreContract, KeepsUnrecordedViewsOutOfHistory) {
  this->put({.view = "trailer", .record = false});
  EXPECT_EQ(this->active(this->account_), (typename TestFixture::Names{"trailer"}));
  EXPECT_TRUE(this->history(this->profile_).empty());
}

TYPED_TEST_P(StoreContract, OrdersHistoryByKeyedStartNewestFirst) {
  this->put({.view = "old", .start_ms = 1'000});
  this->put({.view = "before-1970", .start_ms = -1'000});
  this->put({.view = "new", .start_ms = 3'000});
  this->put({.view = "b", .start_ms = 2'000});
  this->put({.view = "a", .start_ms = 2'000});
  EXPECT_EQ(this->history(this->profile_),
            (typename TestFixture::Names{"new", "a", "b", "old", "before-1970"}));
}

TYPED_TEST_P(StoreContract, KeepsAViewsPlaceInHistoryWhenItsStartMoves) {
  this->put({.view = "v1", .start_ms = 5'000});
  this->put({.view = "v2", .start_ms = 4'000});
  StoredView moved = make_view({.view = "v1", .start_ms = 5'000});
  moved.view.start = Instant{1'000};
  std::vector<Change> changes;
  changes.push_back(ViewChange{.view = std::move(moved), .first = false});
  this->write(std::move(changes));
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"v1", "v2"}));
}

TYPED_TEST_P(StoreContract, PagesThroughHistoryWithoutGapOrRepetition) {
  // Three views a start: pages also end between equals.
  for (int i = 0; i < 50; ++i)
    this->put({.view = "v" + std::to_string(100 + i), .start_ms = 1'000 * (i / 3)});
  const auto whole = this->history(this->profile_);
  ASSERT_EQ(whole.size(), 50u);
  for (const std::size_t rows_max : {1u, 2u, 7u, 50u, 51u}) {
    SCOPED_TRACE(rows_max);
    typename TestFixture::Names paged;
    std::optional<HistoryKey> after;
    for (;;) {
      const auto page = this->read(this->store().history(this->profile_, after, rows_max));
      ASSERT_LE(page.views.size(), rows_max);
      for (const std::string& name : this->names(page.views)) paged.push_back(name);
      if (!page.more) break;
      ASSERT_FALSE(page.views.empty());
      const StoredView& last = page.views.back();
      after = HistoryKey{last.keyed_start, std::string(last.ids.get().view)};
    }
    EXPECT_EQ(paged, whole);
  }
}

TYPED_TEST_P(StoreContract, GoesOnBehindARowThatIsNotThere) {
  this->put({.view = "v1", .start_ms = 1'000});
  this->put({.view = "v3", .start_ms = 3'000});
  const auto page =
      this->read(this->store().history(this->profile_, HistoryKey{Instant{2'000}, "gone"}, 10));
  EXPECT_EQ(this->names(page.views), (typename TestFixture::Names{"v1"}));
  EXPECT_FALSE(page.more);
}

TYPED_TEST_P(StoreContract, KeepsTenantsAccountsAndProfilesApart) {
  using Names = typename TestFixture::Names;
  // Texts that would run together if their lengths were not kept.
  this->put({.view = "v1", .tenant = "t", .account = "ab", .profile = "c"});
  this->put({.view = "v2", .tenant = "ta", .account = "b", .profile = "c"});
  this->put({.view = "v3", .tenant = "t", .account = "a", .profile = "bc"});
  this->put({.view = "v4", .tenant = "t", .account = "ab", .profile = "cd"});
  EXPECT_EQ(this->active({"t", "ab"}), (Names{"v1", "v4"}));
  EXPECT_EQ(this->active({"ta", "b"}), (Names{"v2"}));
  EXPECT_EQ(this->active({"t", "a"}), (Names{"v3"}));
  EXPECT_EQ(this->history({"t", "ab", "c"}), (Names{"v1"}));
  EXPECT_EQ(this->history({"t", "ab", "cd"}), (Names{"v4"}));
  EXPECT_EQ(this->history({"t", "a", "bc"}), (Names{"v3"}));
  EXPECT_FALSE(this->read(this->store().view({"t", "ab"}, "v2")));
  this->merge({"t", "ab", "c"}, "x", title_at(1'000, 10));
  EXPECT_TRUE(this->read(this->store().all_titles({"t", "ab", "cd"}, 10)).empty());
  EXPECT_TRUE(this->read(this->store().all_titles({"t", "a", "bc"}, 10)).empty());
}

TYPED_TEST_P(StoreContract, ListsProfilesInByteOrderUpToTheLimit) {
  using Names = typename TestFixture::Names;
  for (const char* profile : {"kids", "a", "Zoe", "ab"})
    this->put({.view = std::string("v-") + profile, .profile = profile});
  EXPECT_EQ(this->read(this->store().profiles(this->account_, 10)),
            (Names{"Zoe", "a", "ab", "kids"}));
  EXPECT_EQ(this->read(this->store().profiles(this->account_, 2)), (Names{"Zoe", "a"}));
}

TYPED_TEST_P(StoreContract, KnowsAProfileThatHasNothingButActs) {
  using Names = typename TestFixture::Names;
  TitleState act;
  act.watched = {.at = Instant{1'000}, .act = true, .value = true};
  this->merge({"_", "a1", "by-hand"}, "t1", act);
  this->put({.view = "v1", .profile = "p1"});
  this->settle();
  EXPECT_EQ(this->read(this->store().profiles({"_", "a1"}, 10)), (Names{"by-hand", "p1"}));
}

TYPED_TEST_P(StoreContract, MergesTitlesInWhateverOrderTheyCome) {
  const TitleState older = title_at(1'000, 10'000);
  TitleState newer = title_at(2'000, 20'000);
  newer.watched = {.at = Instant{2'000}, .act = true, .value = true};
  TitleState hidden;
  hidden.hidden = {.at = Instant{1'500}, .act = true, .value = true};
  TitleState expected = older;
  expected.merge(newer);
  expected.merge(hidden);
  this->merge(this->profile_, "up", older);
  this->merge(this->profile_, "up", newer);
  this->merge(this->profile_, "up", hidden);
  this->merge(this->profile_, "down", hidden);
  this->merge(this->profile_, "down", newer);
  this->settle();
  this->merge(this->profile_, "down", older);
  this->merge(this->profile_, "down", older);
  const auto titles = this->read(this->store().titles(this->profile_, {"up", "down"}));
  ASSERT_EQ(titles.size(), 2u);
  ASSERT_TRUE(titles[0] && titles[1]);
  EXPECT_EQ(*titles[0], expected);
  EXPECT_EQ(*titles[1], expected);
}

TYPED_TEST_P(StoreContract, ReadsTitlesInTheOrderAskedFor) {
  for (int i = 0; i < 300; ++i)
    this->merge(this->profile_, "t" + std::to_string(i), title_at(1'000, i));
  for (const std::size_t count : {1u, 3u, 40u, 100u}) {
    SCOPED_TRACE(count);
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < count; ++i) wanted.push_back("t" + std::to_string(i * 7 % 600));
    wanted.push_back(wanted.front());
    const auto titles = this->read(this->store().titles(this->profile_, wanted));
    ASSERT_EQ(titles.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const int number = std::stoi(wanted[i].substr(1));
      ASSERT_EQ(titles[i].has_value(), number < 300) << wanted[i];
      if (titles[i]) EXPECT_EQ(titles[i]->position.playhead, number);
    }
  }
}

TYPED_TEST_P(StoreContract, ReadsAPageOfAProfileWithFewTitles) {
  for (int i = 0; i < 20; ++i)
    this->merge(this->profile_, "t" + std::to_string(i), title_at(1'000, i));
  const std::vector<std::string> wanted = {"t19", "none", "t0", "t7", "t19", "t1"};
  const auto titles = this->read(this->store().titles(this->profile_, wanted));
  ASSERT_EQ(titles.size(), wanted.size());
  EXPECT_FALSE(titles[1]);
  ASSERT_TRUE(titles[0] && titles[2] && titles[3] && titles[4] && titles[5]);
  EXPECT_EQ(titles[0]->position.playhead, 19);
  EXPECT_EQ(titles[2]->position.playhead, 0);
  EXPECT_EQ(titles[3]->position.playhead, 7);
  EXPECT_EQ(titles[4]->position.playhead, 19);
  EXPECT_EQ(titles[5]->position.playhead, 1);
}

TYPED_TEST_P(StoreContract, ListsAllTitlesUpToTheLimit) {
  for (int i = 0; i < 30; ++i)
    this->merge(this->profile_, "t" + std::to_string(i), title_at(1'000, i));
  const auto all = this->read(this->store().all_titles(this->profile_, 100));
  EXPECT_EQ(all.size(), 30u);
  for (const NamedTitle& title : all)
    EXPECT_EQ("t" + std::to_string(title.state.position.playhead), title.title);
  EXPECT_EQ(this->read(this->store().all_titles(this->profile_, 12)).size(), 12u);
}

TYPED_TEST_P(StoreContract, TakesManyChangesAtOnce) {
  std::vector<Change> changes;
  for (int i = 0; i < 500; ++i) {
    changes.push_back(
        ViewChange{.view = make_view({.view = "v" + std::to_string(i), .start_ms = i * 1'000})});
    changes.push_back(TitleChange{
        .profile = this->profile_, .title = "t" + std::to_string(i % 50), .delta = title_at(i, i)});
  }
  this->write(std::move(changes));
  EXPECT_EQ(this->history(this->profile_).size(), 500u);
  EXPECT_EQ(this->active(this->account_).size(), 500u);
  const auto titles = this->read(this->store().titles(this->profile_, {"t7"}));
  ASSERT_TRUE(titles.at(0));
  EXPECT_EQ(titles[0]->position.playhead, 457) << "the latest of ten movements";
}

TYPED_TEST_P(StoreContract, KeepsWhatWasSettledThroughACrash) {
  this->put({.view = "v1", .start_ms = 1'000});
  this->merge(this->profile_, "t1", title_at(1'000, 11));
  this->settle();
  this->put({.view = "v2", .start_ms = 2'000});
  this->merge(this->profile_, "t1", title_at(2'000, 22));
  this->harness_.crash();
  EXPECT_TRUE(this->read(this->store().view(this->account_, "v1")));
  const auto titles = this->read(this->store().titles(this->profile_, {"t1"}));
  ASSERT_TRUE(titles.at(0));
  EXPECT_GE(titles[0]->position.playhead, 11);
  // Replaying what was written after the settle is safe, whether it had landed or not.
  this->put({.view = "v2", .start_ms = 2'000});
  this->merge(this->profile_, "t1", title_at(1'000, 11));
  this->merge(this->profile_, "t1", title_at(2'000, 22));
  this->settle();
  this->harness_.crash();
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"v2", "v1"}));
  EXPECT_EQ(this->active(this->account_), (typename TestFixture::Names{"v1", "v2"}));
  const auto again = this->read(this->store().titles(this->profile_, {"t1"}));
  ASSERT_TRUE(again.at(0));
  EXPECT_EQ(again[0]->position.playhead, 22);
}

TYPED_TEST_P(StoreContract, SettlesAnEmptyStoreAndTwiceInARow) {
  this->settle();
  this->put({});
  this->settle();
  this->settle();
  this->harness_.crash();
  EXPECT_TRUE(this->read(this->store().view(this->account_, "v1")));
}

TYPED_TEST_P(StoreContract, ReadsFromMemoryTheSameOrNothing) {
  this->put({.view = "v1"});
  this->put({.view = "v2", .active = false});
  this->merge(this->profile_, "t1", title_at(1'000, 11));
  for (int round = 0; round < 2; ++round) {
    if (const auto view = this->store().try_view(this->account_, "v1")) {
      ASSERT_TRUE(*view && **view);
      EXPECT_EQ(bytes_of(***view), bytes_of(make_view({.view = "v1"})));
    }
    if (const auto none = this->store().try_view(this->account_, "never")) {
      ASSERT_TRUE(*none);
      EXPECT_FALSE(**none);
    }
    if (const auto active = this->store().try_active_views(this->account_)) {
      ASSERT_TRUE(*active);
      EXPECT_EQ(this->names(**active), (typename TestFixture::Names{"v1"}));
    }
    if (const auto titles = this->store().try_titles(this->profile_, {"t1", "none"})) {
      ASSERT_TRUE(*titles);
      ASSERT_EQ((*titles)->size(), 2u);
      ASSERT_TRUE((**titles)[0]);
      EXPECT_EQ((**titles)[0]->position.playhead, 11);
      EXPECT_FALSE((**titles)[1]);
    }
    this->settle();
    this->harness_.crash();
  }
}

TYPED_TEST_P(StoreContract, ErasesAnAccountAndNothingElse) {
  using Names = typename TestFixture::Names;
  const ViewSpec others[] = {{.view = "v1", .account = "a10"}, {.view = "v1", .tenant = "other"}};
  for (const ViewSpec& spec : others) this->put(spec);
  this->put({.view = "v1"});
  this->put({.view = "v2", .profile = "p2", .active = false});
  this->merge(this->profile_, "t1", title_at(1'000, 5'000));
  this->merge({"_", "a10", "p1"}, "t1", title_at(1'000, 5'000));
  EXPECT_TRUE(this->read(this->store().erasures(this->account_)).empty());
  this->erase({.account = this->account_, .through = Instant{2'000}});

  EXPECT_TRUE(this->active(this->account_).empty());
  EXPECT_TRUE(this->history(this->profile_).empty());
  EXPECT_TRUE(this->history({"_", "a1", "p2"}).empty());
  for (const char* view : {"v1", "v2"})
    EXPECT_FALSE(this->read(this->store().view(this->account_, view)));
  EXPECT_TRUE(this->read(this->store().all_titles(this->profile_, 10)).empty());
  EXPECT_TRUE(this->read(this->store().profiles(this->account_, 10)).empty());
  EXPECT_EQ(this->active({"_", "a10"}), Names{"v1"});
  EXPECT_EQ(this->active({"other", "a1"}), Names{"v1"});
  EXPECT_EQ(this->read(this->store().all_titles({"_", "a10", "p1"}, 10)).size(), 1u);
  EXPECT_EQ(this->read(this->store().erasures(this->account_)).account, Instant{2'000});
  EXPECT_TRUE(this->read(this->store().erasures({"_", "a10"})).empty());
}

TYPED_TEST_P(StoreContract, ErasesAProfileAndLeavesItsSiblings) {
  using Names = typename TestFixture::Names;
  this->put({.view = "v1"});
  this->put({.view = "v2", .profile = "p2"});
  this->merge(this->profile_, "t1", title_at(1'000, 5'000));
  this->merge({"_", "a1", "p2"}, "t1", title_at(1'000, 5'000));
  this->erase({.account = this->account_, .profile = "p1", .through = Instant{2'000}});
  EXPECT_EQ(this->active(this->account_), Names{"v2"});
  EXPECT_TRUE(this->history(this->profile_).empty());
  EXPECT_EQ(this->history({"_", "a1", "p2"}), Names{"v2"});
  EXPECT_TRUE(this->read(this->store().all_titles(this->profile_, 10)).empty());
  EXPECT_EQ(this->read(this->store().all_titles({"_", "a1", "p2"}, 10)).size(), 1u);
  EXPECT_EQ(this->read(this->store().profiles(this->account_, 10)), Names{"p2"});
  const Erasures erasures = this->read(this->store().erasures(this->account_));
  EXPECT_EQ(erasures.through("_", "a1", "p1"), Instant{2'000});
  EXPECT_EQ(erasures.through("_", "a1", "p2"), kNever);
}

TYPED_TEST_P(StoreContract, MakesTheChangesOfASetInTheirOrder) {
  this->put({.view = "old"});
  std::vector<Change> changes;
  changes.push_back(EraseChange{.account = this->account_, .through = Instant{2'000}});
  changes.push_back(ViewChange{.view = make_view({.view = "new"}), .first = true});
  this->write(std::move(changes));
  EXPECT_EQ(this->history(this->profile_), (typename TestFixture::Names{"new"}));
}

TYPED_TEST_P(StoreContract, RemembersTheLatestErasureForEver) {
  const ProfileRef second{"_", "a1", "p2"};
  for (const std::int64_t through : {3'000, 2'000})
    this->erase({.account = this->account_, .profile = "p1", .through = Instant{through}});
  this->erase({.account = this->account_, .profile = "p2", .through = Instant{9'000}});
  this->erase({.account = this->account_, .through = Instant{5'000}});
  this->settle();
  ASSERT_TRUE(this->run(this->store().purge()));
  this->harness_.crash();
  const Erasures erasures = this->read(this->store().erasures(this->account_));
  EXPECT_EQ(erasures.account, Instant{5'000});
  EXPECT_EQ(erasures.through("_", "a1", "p1"), Instant{5'000});
  EXPECT_EQ(erasures.through("_", "a1", "p2"), Instant{9'000});
}

REGISTER_TYPED_TEST_SUITE_P(
    StoreContract, KnowsNothingAtFirst, GivesAViewBackAsItWasWritten, ReplacesAViewWhole,
    ListsAViewAsActiveOnlyWhileItIs, KeepsAViewsPlacesWhenOnlyItsPositionIsWritten,
    WritesAViewWholeTheFirstTimeWhateverIsAskedFor, TakesTheFirstWriteOfAViewTwice,
    KeepsUnrecordedViewsOutOfHistory, OrdersHistoryByKeyedStartNewestFirst,
    KeepsAViewsPlaceInHistoryWhenItsStartMoves, PagesThroughHistoryWithoutGapOrRepetition,
    GoesOnBehindARowThatIsNotThere, KeepsTenantsAccountsAndProfilesApart,
    ListsProfilesInByteOrderUpToTheLimit, KnowsAProfileThatHasNothingButActs,
    MergesTitlesInWhateverOrderTheyCome, ReadsTitlesInTheOrderAskedFor,
    ReadsAPageOfAProfileWithFewTitles, ListsAllTitlesUpToTheLimit, TakesManyChangesAtOnce,
    KeepsWhatWasSettledThroughACrash, SettlesAnEmptyStoreAndTwiceInARow,
    ReadsFromMemoryTheSameOrNothing, ErasesAnAccountAndNothingElse,
    ErasesAProfileAndLeavesItsSiblings, MakesTheChangesOfASetInTheirOrder,
    RemembersTheLatestErasureForEver);

}  // namespace playhead
