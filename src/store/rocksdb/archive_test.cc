// What goes in only where there is nothing, and all that is held on an account, page by page.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/test_directory.h"
#include "store/rocksdb/rocks_store.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

constexpr Instant kThen{1'700'000'000'000}, kNow{1'750'000'000'000};

class Archived : public testing::Test {
 protected:
  std::vector<Added> add(std::vector<Change> rows) {
    return run_to_end(store_->add(std::move(rows))).value();
  }
  void write(Change change) {
    std::vector<Change> changes;
    changes.push_back(std::move(change));
    ASSERT_TRUE(run_to_end(store_->write(std::move(changes))));
  }
  static std::vector<Change> a_view(ViewSpec spec, Instant at = kNow) {
    spec.active = false;
    ViewChange change{.view = make_view(spec), .first = true};
    change.view.import = Import{.at = at, .origin = "test"};
    std::vector<Change> rows;
    rows.push_back(std::move(change));
    return rows;
  }
  static std::vector<Change> a_title(std::string profile, std::string title, Instant moved,
                                     Instant at = kNow) {
    TitleChange change{.profile = {"_", "a1", std::move(profile)}, .title = std::move(title)};
    change.delta.position = {.moved = moved, .playhead = 5'000};
    change.delta.import = {.at = at, .origin = "test"};
    std::vector<Change> rows;
    rows.push_back(std::move(change));
    return rows;
  }
  void erase(std::string profile, Instant through) {
    write(EraseChange{.account = kAccount, .profile = std::move(profile), .through = through});
  }
  std::vector<StoredView> views(std::string after = {}, std::size_t rows_max = 100) {
    return run_to_end(store_->account_views(kAccount, std::move(after), rows_max)).value();
  }
  std::vector<TitleRow> titles(std::optional<TitlePlace> after = {}, std::size_t rows_max = 100) {
    return run_to_end(store_->account_titles(kAccount, std::move(after), rows_max)).value();
  }

  const AccountRef kAccount{"_", "a1"};

 private:
  TestDirectory directory_;
  std::unique_ptr<RocksStore> store_ =
      RocksStore::open({.path = (directory_.root() / "store").string()}).value();
};

using enum Added;

TEST_F(Archived, AViewGoesInOnceAndTakesNoOthersPlace) {
  EXPECT_EQ(add(a_view({.view = "v"})), std::vector{kNew});
  EXPECT_EQ(add(a_view({.view = "v", .playhead = 9})), std::vector{kThere});
  write(ViewChange{.view = make_view({.view = "live"}), .first = true});
  EXPECT_EQ(add(a_view({.view = "live", .playhead = 9})), std::vector{kThere});
  const auto held = views();
  ASSERT_EQ(held.size(), 2U);
  EXPECT_EQ(held[0].view.playhead, 5'000);
  EXPECT_FALSE(held[0].import) << "the live one, first by its name";
  ASSERT_TRUE(held[1].import);
  EXPECT_EQ(*held[1].import, (Import{.at = kNow, .origin = "test"}));
}

TEST_F(Archived, ATitleGoesInOnlyIfItsRowChanges) {
  EXPECT_EQ(add(a_title("p", "t", kThen)), std::vector{kNew});
  EXPECT_EQ(add(a_title("p", "t", kThen, kNow + 1)), std::vector{kThere});
  EXPECT_EQ(add(a_title("p", "t", kThen - 1)), std::vector{kThere}) << "it is older";
  EXPECT_EQ(add(a_title("p", "t", kThen + 1)), std::vector{kNew});
  const auto held = titles();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].state.position.moved, kThen + 1);
  EXPECT_EQ(held[0].state.import.at, kNow);
}

TEST_F(Archived, WhatWasImportedBeforeAnErasureStaysAway) {
  erase("p1", kNow);
  EXPECT_EQ(add(a_view({.view = "v"}, kNow)), std::vector{kErased});
  EXPECT_EQ(add(a_title("p1", "t", kThen, kNow)), std::vector{kErased});
  EXPECT_EQ(add(a_title("p2", "t", kThen, kNow)), std::vector{kNew}) << "another profile's";
  EXPECT_EQ(add(a_view({.view = "v"}, kNow + 1)), std::vector{kNew});
}

TEST_F(Archived, AnErasureThatIsToldAgainLeavesWhatWasImportedSince) {
  Instant through = kNow;
  for (const std::string profile : {"p1", ""}) {
    erase(profile, through);
    add(a_view({.view = "v"}, through + 1));
    add(a_title("p1", "t", kThen, through + 1));
    erase(profile, through);
    EXPECT_EQ(views().size(), 1U) << "'" << profile << "'";
    EXPECT_EQ(titles().size(), 1U) << "'" << profile << "'";
    erase(profile, through + 2);
    EXPECT_TRUE(views().empty() && titles().empty()) << "a later one is another one";
    through = through + 10;
  }
}

TEST_F(Archived, PagesHaveEveryRowOnceInOrder) {
  std::vector<std::string> names;
  for (const char* profile : {"p", "pp", "q"})
    for (const char* name : {"a", "b", "c"}) {
      add(a_view({.view = std::string(name) + profile, .profile = profile}));
      add(a_title(profile, name, kThen));
    }
  write(ViewChange{.view = make_view({.view = "other", .account = "a2"}), .first = true});
  std::vector<std::string> seen;
  for (std::string after;;) {
    const auto page = views(after, 2);
    for (const StoredView& view : page) seen.emplace_back(view.ids.get().view);
    if (page.size() < 2) break;
    after = seen.back();
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"ap", "app", "aq", "bp", "bpp", "bq", "cp", "cpp", "cq"}));
  std::vector<TitlePlace> places;
  for (std::optional<TitlePlace> after;;) {
    const auto page = titles(after, 2);
    for (const TitleRow& row : page) places.push_back({row.profile, row.title});
    if (page.size() < 2) break;
    after = places.back();
  }
  EXPECT_EQ(places.size(), 9U);
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  EXPECT_EQ(places[3].profile, "q") << "by the length of the profile first";
}

}  // namespace
}  // namespace playhead
