// Goal: what stands beside a view's numbers joins as they do, and is what a shard would have made
// of it. Method: two sides as shards leave them, active, ended, silent, or of late reports only.
#include "record/merge.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

#include "base/prng.h"
#include "record/inbox.h"
#include "viewing/random_reports.h"

namespace playhead {
namespace {

using namespace testing;

std::string bytes_of(const StoredView& view) {
  std::string out;
  encode(out, view);
  return out;
}

StoredView of(Ids ids, const Player& player, Instant last_arrival) {
  if (ids.view.empty()) {
    ids.tenant = "_";
    ids.account = "acct-1";
    ids.profile = "p1";
    ids.title = "got-s01e01";
    ids.view = "v1";
  }
  StoredView out;
  out.ids = PackedIds(ids);
  out.view = player.view;
  if (!player.view.qualified()) out.trail = player.trail;
  out.keyed_start = player.view.start;
  out.last_arrival = last_arrival;
  out.interval_ms = 10'000;
  out.active = !player.view.ended();
  return out;
}

StoredView random_view(Prng& prng) {
  Player player;
  const auto count = 1 + prng.below(12);
  for (std::uint64_t i = 0; i < count; ++i) player.tell(random_report(prng), at(100));
  if (prng.chance(200)) end_view(player.view, EndReason::kTerminated, at(30));
  if (prng.chance(100)) player.view.deleted = true;
  const auto pick = [&](const char* a, const char* b) { return prng.chance(500) ? a : b; };
  Ids ids;
  if (prng.chance(500)) {
    ids.series = pick("s1", "s2");
    ids.next_title = pick("n1", "n2");
    player.view.meta_order.at = at(static_cast<double>(prng.below(3)));
  }
  ids.device = pick("tv-1", "tv-2");
  ids.ended_by = pick("", "phone");
  StoredView out =
      of(ids, player, prng.chance(200) ? Instant{} : at(static_cast<double>(prng.below(3))));
  out.interval_ms = prng.chance(500) ? 10'000 : 20'000;
  out.cmcd = prng.chance(300);
  out.active = out.active && prng.chance(700);
  out.expired = !out.active && prng.chance(500);
  if (prng.chance(100)) out.import = Import{.at = at(0), .origin = pick("trakt", "netflix")};
  return out;
}

StoredView joined(const StoredView& a, const StoredView& b, Place place = Place::kOpen) {
  StoredView out = a.clone();
  const bool changed = merge(out, b, place, Rules{});
  EXPECT_EQ(changed, bytes_of(out) != bytes_of(a));
  return out;
}

RC_GTEST_PROP(MergeStored, IsTheSameFromEitherSideAndAsOftenAsItComes, (std::uint64_t seed)) {
  Prng prng(seed);
  const StoredView a = random_view(prng), b = random_view(prng);
  const StoredView both = joined(a, b);
  RC_ASSERT(bytes_of(both) == bytes_of(joined(b, a)));
  RC_ASSERT(bytes_of(both) == bytes_of(joined(both, a)));
  RC_ASSERT(bytes_of(both) == bytes_of(joined(both, b)));
  RC_ASSERT(bytes_of(a) == bytes_of(joined(a, a)));
  RC_ASSERT(!both.active || (!both.view.ended() && !both.expired));
}

RC_GTEST_PROP(MergeStored, HasTheSameTextsHoweverThreeAreGrouped, (std::uint64_t seed)) {
  Prng prng(seed);
  const StoredView a = random_view(prng), b = random_view(prng), c = random_view(prng);
  const auto texts = [](const StoredView& view) {
    const Ids ids = view.ids.get();
    return std::tuple(view.view.meta_order, ids.series, ids.next_title, ids.device);
  };
  RC_ASSERT(texts(joined(joined(a, b), c)) == texts(joined(a, joined(b, c))));
}

TEST(MergeStored, KeepsItsPlaceInHistoryWhereTheStoreKnowsIt) {
  Player owner, other;
  owner.play(60, 80, sec(60));
  other.play(0, 20, sec(0));
  const StoredView known = of({.device = "tv"}, owner, at(80));
  const StoredView taken = of({.device = "tv"}, other, at(20));
  EXPECT_EQ(joined(known, taken, Place::kFixed).keyed_start, at(60));
  EXPECT_EQ(joined(known, taken, Place::kOpen).keyed_start, at(0));
  EXPECT_EQ(joined(known, taken, Place::kFixed).view.start, at(0));
}

TEST(MergeStored, IsActiveAsWhoeverHeardOfItLastSays) {
  Player owner, other;
  owner.play(0, 20, sec(0));
  other.play(30, 60, sec(30));
  StoredView known = of({.device = "tv"}, owner, at(20));
  known.active = false;
  known.expired = true;  // silent for the owner, while its player spoke to another node
  const StoredView taken = of({.device = "tv"}, other, at(60));
  const StoredView both = joined(known, taken, Place::kFixed);
  EXPECT_TRUE(both.active);
  EXPECT_FALSE(both.expired);
  EXPECT_EQ(both.last_arrival, at(60));
  other.tell(say(State::kStopped, 61, sec(61)));
  EXPECT_FALSE(joined(both, of({.device = "tv"}, other, at(60)), Place::kFixed).active);
}

// Only its owner gives a place, and only to a view that somebody watches.
TEST(MergeStored, HasThePlaceThatItsOwnerGaveIt) {
  Player owner, other;
  owner.play(0, 20, sec(0));
  other.play(30, 60, sec(30));
  StoredView known = of({.device = "tv"}, owner, at(20));
  StoredView taken = of({.device = "tv"}, other, at(60));
  taken.granted = true;
  EXPECT_FALSE(joined(known, taken, Place::kFixed).granted);
  known.granted = true;
  taken.granted = false;
  EXPECT_TRUE(joined(known, taken, Place::kFixed).granted);
  taken.active = false;
  EXPECT_FALSE(joined(known, taken, Place::kFixed).granted);
  for (const bool imported : {false, true}) {
    if (imported) known.import = Import{.at = at(0), .origin = "trakt"};
    const auto read = decode_view(bytes_of(known));
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(read->granted);
    EXPECT_EQ(read->import.has_value(), imported);
  }
}

TEST(MergeStored, GoesOnWhereOneSideSawItEndAndTheOtherSawItOpenAgain) {
  Player owner, other;
  owner.play(0, 20, sec(0));
  owner.tell(say(State::kPlaying, 50, sec(50)));
  other.play(20, 30, sec(20));
  other.tell(say(State::kStopped, 40, sec(40)));
  const StoredView both = joined(of({.device = "tv"}, owner, at(50)),
                                 of({.device = "tv"}, other, at(55)), Place::kFixed);
  EXPECT_TRUE(both.active);
}

TEST(MergeStored, IsActiveForNobodyOnceItWasTerminated) {
  Player owner, other;
  owner.play(0, 20, sec(0));
  end_view(owner.view, EndReason::kTerminated, at(21));
  other.play(22, 40, sec(22));
  const StoredView both = joined(of({.device = "tv", .ended_by = "phone"}, owner, at(20)),
                                 of({.device = "tv"}, other, at(40)), Place::kFixed);
  EXPECT_FALSE(both.active);
  EXPECT_EQ(both.view.reason(), EndReason::kTerminated);
  EXPECT_EQ(both.ids.get().ended_by, "phone");
  EXPECT_EQ(both.view.playhead, sec(40)) << "what was acknowledged stays";
}

TEST(MergeStored, TellsViewsApartThatShareNoMoreThanTheirName) {
  const Player player;
  const Ids ids{.tenant = "_", .account = "a", .profile = "p", .title = "t", .view = "v"};
  Ids other = ids;
  EXPECT_TRUE(is_same_view(of(ids, player, at(0)), of(other, player, at(1))));
  other.title = "t2";
  EXPECT_FALSE(is_same_view(of(ids, player, at(0)), of(other, player, at(0))));
}

TEST(InboxBytes, GiveAViewBackAndShowEveryFlippedBitAndEveryCut) {
  Prng prng(7);
  const StoredView view = random_view(prng);
  const std::string bytes = encode_inbox(view);
  const auto back = decode_inbox(bytes);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(bytes_of(*back), bytes_of(view));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 1 << bit);
      const auto read = decode_inbox(damaged);
      ASSERT_FALSE(read) << "byte " << i << ", bit " << bit;
      ASSERT_EQ(read.error().code, Errc::kCorrupt);
    }
    ASSERT_FALSE(decode_inbox(std::string_view(bytes).substr(0, i))) << "cut at " << i;
  }
}

}  // namespace
}  // namespace playhead
