// Pages as bytes, and what changes make of them, against the plain way to say the same.
#include "cache/page.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "cache/cache_test_kit.h"

namespace playhead {
namespace {

const ProfileRef kProfile{"_", "a1", "p1"};
const std::string kIdentity = page_identity("test", kProfile);

std::vector<StoredView> rows_of(const std::vector<int>& numbers) {
  std::vector<StoredView> out;
  for (const int number : numbers) out.push_back(make_row(kProfile, number));
  return out;
}

/// An entry with all that it borrows from.
struct Made {
  std::vector<StoredView> views;
  OwnedRows rows;
  PageEntry entry;
};
Made made(std::vector<int> numbers, bool whole = true) {
  Made out{.views = rows_of(numbers)};
  out.rows = value_of(page_rows(out.views));
  out.entry = {.version = {2, 7},
               .as_of = {1'700'000'000'123},
               .born = {1'700'000'000'200},
               .refreshed = {1'700'000'000'300},
               .whole = whole};
  out.entry.rows = out.rows.rows;
  return out;
}

TEST(Page, ComesBackAsItWasWritten) {
  const Made page = made({1, 5, 4, 2, 3}, false);
  const std::string bytes = encode_page(page.entry, kIdentity);
  const auto back = decode_page(bytes, kIdentity);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version, page.entry.version);
  EXPECT_EQ(std::tuple(back->as_of, back->born, back->refreshed, back->whole, back->floor),
            std::tuple(page.entry.as_of, page.entry.born, page.entry.refreshed, false, false));
  const auto read = read_page(*back, kProfile);
  ASSERT_TRUE(read);
  // Newest first; 4 and 5 start together, as 2 and 3 do: then by view.
  EXPECT_EQ(bytes_of(read->rows), bytes_of(rows_of({4, 5, 2, 3, 1})));
}

TEST(Page, IsAMissWhateverBitOfItFlips) {
  const std::string bytes = encode_page(made({1, 2, 3}).entry, kIdentity);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    EXPECT_FALSE(decode_page(flipped, kIdentity)) << "bit " << bit;
  }
}

TEST(Page, IsAMissWhereverItIsCutShort) {
  const std::string bytes = encode_page(made({1, 2, 3}).entry, kIdentity);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_page(std::string_view(bytes).substr(0, size), kIdentity)) << size;
  EXPECT_FALSE(decode_page(bytes + '\0', kIdentity));
}

TEST(Page, OfAnotherProfileOrClusterIsForeign) {
  const std::string bytes = encode_page(made({1}).entry, kIdentity);
  const auto as = [&](std::string_view cluster, const ProfileRef& profile) {
    return miss_of(decode_page(bytes, page_identity(cluster, profile)));
  };
  EXPECT_EQ(as("test", {"_", "a1", "p2"}), Miss::kForeign);
  EXPECT_EQ(as("test", {"_", "a2", "p1"}), Miss::kForeign);
  EXPECT_EQ(as("test", {"t", "a1", "p1"}), Miss::kForeign);
  EXPECT_EQ(as("other", kProfile), Miss::kForeign);
}

TEST(Page, OfANewerReleaseSaysSo) {
  std::string bytes = encode_page(made({1}).entry, kIdentity);
  bytes[0] = kPageFormat + 1;
  EXPECT_EQ(miss_of(decode_page(bytes, kIdentity)), Miss::kFormat);
}

TEST(Page, WithARowOfAnotherProfileIsForeign) {
  Made page = made({1});
  EXPECT_EQ(miss_of(read_page(page.entry, {"_", "a1", "p2"})), Miss::kForeign);
}

TEST(Page, KeysAreShortAndDifferByProfileAndCluster) {
  const std::string long_id(kIdBytesMax, 'x');
  std::set<std::string> keys;
  for (const char* cluster : {"one", "two"})
    for (const char* profile : {"p1", "p2"})
      for (const std::string& account : {std::string("a"), long_id})
        keys.insert(page_key(cluster, {long_id, account, profile}));
  EXPECT_EQ(keys.size(), 8u);
  for (const std::string& key : keys) EXPECT_LE(key.size(), 128u);
  EXPECT_LE(page_key(long_id, kProfile).size(), 128u);
}

TEST(Page, HoldsNoViewThatNoHistoryLists) {
  auto views = rows_of({1, 2});
  views[0].view.record = false;
  EXPECT_EQ(value_of(page_rows(views)).rows.size(), 1u);
}

TEST(Page, RefusesARowWhosePlaceNoCacheCanHold) {
  auto views = rows_of({1});
  views[0].keyed_start = kNever;
  EXPECT_FALSE(page_rows(views));
}

TEST(Page, OfTheMostRowsIsSmallEnoughForMemcached) {
  EXPECT_LT(kPageBytesMax, std::size_t{1} << 20);
  const std::string longest(kIdBytesMax, 'x');
  StoredView view = make_row(kProfile, 1);
  view.ids = PackedIds({.tenant = longest,
                        .account = longest,
                        .profile = longest,
                        .title = longest,
                        .series = longest,
                        .next_title = longest,
                        .view = longest,
                        .device = longest,
                        .device_type = longest,
                        .ended_by = longest});
  view.trail.emplace();
  EXPECT_LT(bytes_of(view).size(), kPageRowBytesMax);
}

TEST(Page, TakesOnlyThePutThatFollowsOnIt) {
  PageEntry page{.version = {2, 7}};
  EXPECT_EQ(put_step(page, {2, 7}, {2, 8}), Step::kChange);
  EXPECT_EQ(put_step(page, {2, 6}, {2, 7}), Step::kLeave);
  EXPECT_EQ(put_step(page, {1, 9}, {1, 10}), Step::kLeave) << "of an owner before";
  EXPECT_EQ(put_step(page, {2, 8}, {2, 9}), Step::kRemove) << "it missed 2.8";
  EXPECT_EQ(put_step(page, {3, 0}, {3, 1}), Step::kRemove) << "of a new owner";
  page.version = {};
  EXPECT_EQ(put_step(page, {}, {1, 1}), Step::kRemove) << "nobody knows what it holds";
  page = {.version = {2, 7}, .floor = true};
  EXPECT_EQ(put_step(page, {2, 7}, {2, 8}), Step::kNothing);
  EXPECT_EQ(put_step(page, {2, 6}, {2, 7}), Step::kLeave);
}

TEST(Page, LivesByItsBirthWhateverItsTime) {
  const CacheOptions options{.page_ttl_ms = 60'000, .page_life_ms_max = 600'000};
  const PageEntry page{.born = {1'000'000}};
  EXPECT_TRUE(lives(page, {1'000'000}, options));
  EXPECT_TRUE(lives(page, {1'599'999}, options));
  EXPECT_FALSE(lives(page, {1'600'000}, options));
  EXPECT_FALSE(lives(page, {939'999}, options)) << "its writer's clock was far ahead";
  EXPECT_EQ(ttl_of(page, {1'000'000}, options), 60'000);
  EXPECT_EQ(ttl_of(page, {1'590'000}, options), 10'000);
}

// What a page says, told by a map: all rows there are, in their order, cut off after the page's
// end.
RC_GTEST_PROP(Page, LaidInChangesAreTheNewestRows, ()) {
  const auto rows_max = *rc::gen::inRange<std::uint32_t>(1, 12);
  const auto stored = *rc::gen::container<std::set<int>>(rc::gen::inRange(0, 40));
  const auto shown = std::min<std::size_t>(*rc::gen::inRange<std::size_t>(1, 12), rows_max);
  const auto changes = *rc::gen::container<std::vector<std::vector<int>>>(
      rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40)));

  std::map<std::pair<std::int64_t, std::string>, std::string>
      store;  // minus the start, view: bytes
  const auto write = [&](const StoredView& view) {
    store[{-view.keyed_start.ms, std::string(view.ids.get().view)}] = bytes_of(view);
  };
  Made page = made({stored.begin(), stored.end()});
  for (const StoredView& view : page.views) write(view);
  if (page.entry.rows.size() > shown) {
    page.entry.rows.resize(shown);
    page.entry.whole = false;
  }
  std::vector<std::pair<std::vector<StoredView>, OwnedRows>> kept;
  Playhead playhead = 0;
  for (const auto& numbers : changes) {
    std::vector<StoredView> views;
    for (const int number : std::set<int>(numbers.begin(), numbers.end()))
      views.push_back(make_row(kProfile, number, ++playhead));
    for (const StoredView& view : views) write(view);
    auto rows = value_of(page_rows(views));
    kept.emplace_back(std::move(views), std::move(rows));
    lay_in(page.entry, kept.back().second.rows, rows_max);
  }
  RC_ASSERT(page.entry.rows.size() <= rows_max);
  RC_ASSERT(!page.entry.whole || page.entry.rows.size() == store.size());
  auto row = page.entry.rows.begin();
  for (const auto& [place, bytes] : store) {
    if (row == page.entry.rows.end()) break;
    RC_ASSERT(row->record == bytes);
    ++row;
  }
  RC_ASSERT(row == page.entry.rows.end());
}

}  // namespace
}  // namespace playhead
