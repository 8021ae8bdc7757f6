// Goal: two folds of one view join into the fold of all their reports; what can't be exact, as
// trails are bounded, stays within the bounds that viewing/merge.h names. Method: one owner stamps
// random reports; two or three subsets of them, disjoint, overlapping or equal, are folded apart
// and joined.
#include "viewing/merge.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "base/prng.h"
#include "viewing/random_reports.h"
#include "viewing/viewing_test_kit.h"

namespace playhead {
namespace {

using namespace testing;

struct Fold {
  View view;
  std::optional<Trail> trail;
  friend bool operator==(const Fold&, const Fold&) = default;
};

// As a shard does: the trail goes once the view counts.
Fold folded(const std::vector<Stamped>& reports) {
  Fold fold{.view = {}, .trail = Trail{}};
  for (const Stamped& report : reports) {
    apply(fold.view, fold.trail ? &*fold.trail : nullptr, report, Rules{});
    if (fold.view.qualified()) fold.trail.reset();
  }
  return fold;
}

Fold joined(Fold into, const Fold& from) {
  const Fold before = into;
  const bool changed = merge(into.view, into.trail, from.view, from.trail, Rules{});
  RC_ASSERT(changed == !(into == before));
  return into;
}

Trail joined(Trail into, const Trail& from) {
  into.merge(from);
  return into;
}

// All but what is taken once, as folded.
View without_firsts(View view) {
  view.qualified_at = view.finished_at = kNever;
  return view;
}

// Two views of one playback, each of some of the reports; they may have been told the same.
struct Split {
  std::vector<Stamped> all, a, b;
};

Split split(Prng& prng, std::size_t reports_max) {
  Split out;
  out.all = stamped(prng, 1 + prng.below(reports_max));
  const auto both = static_cast<unsigned>(prng.below(3)) * 500;  // disjoint, overlapping, equal
  for (const Stamped& report : out.all) {
    const bool shared = prng.chance(both), left = prng.chance(500);
    if (shared || left) out.a.push_back(report);
    if (shared || !left) out.b.push_back(report);
  }
  shuffle(out.a, prng);
  shuffle(out.b, prng);
  return out;
}

// Sorts them; false if one of them came twice and was stamped otherwise then.
bool sort_alike(std::vector<Stamped>& reports) {
  std::ranges::sort(reports, {}, &Stamped::order);
  for (std::size_t i = 1; i < reports.size(); ++i)
    if (reports[i].order == reports[i - 1].order && reports[i] != reports[i - 1]) return false;
  const auto repeats = std::ranges::unique(reports);
  reports.erase(repeats.begin(), repeats.end());
  return true;
}

// What happens to a view besides reports.
void act(Fold& fold, Prng& prng) {
  if (prng.chance(100))
    end_view(fold.view, EndReason::kTerminated, at(static_cast<double>(prng.below(40))));
  if (prng.chance(100))
    end_view(fold.view, EndReason::kReplaced, at(static_cast<double>(prng.below(40))));
  if (prng.chance(100)) fold.view.deleted = true;
  if (prng.chance(100)) fold.view.clock_offset = static_cast<Millis>(prng.below(3)) - 1;
  if (prng.chance(100)) fold.view.kind = Kind::kLive;
  if (prng.chance(100)) fold.view.record = false;
}

RC_GTEST_PROP(Merge, OfTwoFoldsIsTheFoldOfAllReports, (std::uint64_t seed)) {
  Prng prng(seed);
  const Split reports = split(prng, 30);
  const View whole = folded(reports.all).view;
  const View view = joined(folded(reports.a), folded(reports.b)).view;
  RC_ASSERT(without_firsts(view) == without_firsts(whole));
}

RC_GTEST_PROP(Merge, CountsTheSameFromEitherSideAndAsOftenAsItComes, (std::uint64_t seed)) {
  Prng prng(seed);
  const Split reports = split(prng, 40);
  Fold a = folded(reports.a), b = folded(reports.b);
  act(a, prng);
  act(b, prng);
  const Fold both = joined(a, b);
  RC_ASSERT(joined(b, a) == both);
  RC_ASSERT(joined(both, a) == both);
  RC_ASSERT(joined(both, b) == both);
  RC_ASSERT(joined(a, a) == a);
}

RC_GTEST_PROP(Merge, OfThreeDoesNotHangOnTheirGrouping, (std::uint64_t seed)) {
  Prng prng(seed);
  const Split reports = split(prng, 30);
  Fold a = folded(reports.a), b = folded(reports.b), c = folded(stamped(prng, 1 + prng.below(8)));
  for (Fold* fold : {&a, &b, &c}) act(*fold, prng);
  RC_ASSERT(without_firsts(joined(joined(a, b), c).view) ==
            without_firsts(joined(a, joined(b, c)).view));
}

RC_GTEST_PROP(Merge, WithAViewOfNoReportsChangesNothing, (std::uint64_t seed)) {
  Prng prng(seed);
  Fold fold = folded(stamped(prng, 1 + prng.below(20)));
  act(fold, prng);
  const Fold nothing;
  RC_ASSERT(joined(fold, nothing) == fold);
  RC_ASSERT(joined(nothing, fold) == fold);
}

RC_GTEST_PROP(Merge, LosesNothingThatEitherSideWas, (std::uint64_t seed)) {
  Prng prng(seed);
  const Split reports = split(prng, 30);
  Fold a = folded(reports.a), b = folded(reports.b);
  act(a, prng);
  act(b, prng);
  const View view = joined(a, b).view;
  RC_ASSERT(view.deleted == (a.view.deleted || b.view.deleted));
  RC_ASSERT(view.terminated() == (a.view.terminated() || b.view.terminated()));
  if (a.view.deleted != b.view.deleted) return;
  RC_ASSERT(view.qualified() || (!a.view.qualified() && !b.view.qualified()));
  RC_ASSERT(view.finished() || (!a.view.finished() && !b.view.finished()));
  for (const View* side : {&a.view, &b.view}) {
    RC_ASSERT(!side->qualified() || view.qualified_at <= side->qualified_at);
    RC_ASSERT(!side->finished() || view.finished_at <= side->finished_at);
    RC_ASSERT(!side->terminated() || view.terminated_at <= side->terminated_at);
  }
}

// The moments of firsts apart: they may be earlier, the row keeps what it was told.
RC_GTEST_PROP(Merge, TakesNothingBackOfWhatAViewGaveItsTitle, (std::uint64_t seed)) {
  Prng prng(seed);
  const Split reports = split(prng, 30);
  const ViewTexts texts{.view = "v1", .device = "tv-1"};
  const Fold a = folded(reports.a), b = folded(reports.b);
  const TitleState gives = contribution(joined(a, b).view, texts);
  for (const View* side : {&a.view, &b.view}) {
    const TitleState gave = contribution(*side, texts);
    const TitleState row = row_of(gave, gives);
    RC_ASSERT(row.position == gives.position);
    RC_ASSERT(row.duration == gives.duration);
    RC_ASSERT(row.credits == gives.credits);
    RC_ASSERT(row.played_max == gives.played_max);
    RC_ASSERT(gives.watched.value || !gave.watched.value);
    RC_ASSERT(gives.hidden.at != kNever || gave.hidden.at == kNever);
  }
}

// What neither side shows alone, both may: as if the reports had come to one in their order.
RC_GTEST_PROP(Merge, QualifiesWhatOnlyBothTogetherShow, (std::uint64_t seed)) {
  Prng prng(seed);
  Split reports = split(prng, kTrailMax);
  const Fold a = folded(reports.a), b = folded(reports.b);
  if (a.view.qualified() || b.view.qualified()) RC_DISCARD("one side shows it alone");
  if (!sort_alike(reports.all)) RC_DISCARD("a repeat was stamped otherwise");
  const Fold whole = folded(reports.all), both = joined(a, b);
  RC_ASSERT(both.view.qualified() == whole.view.qualified());
  RC_ASSERT(both.view.finished() == whole.view.finished());
}

// Reports in order, each of a time and content of its own; all of them name their state.
std::vector<Stamped> in_order(Prng& prng, std::size_t reports_max) {
  std::vector<Stamped> reports = stamped(prng, 1 + prng.below(reports_max));
  for (Stamped& report : reports)
    if (report.state == State::kKeep) report.state = State::kPlaying;
  std::ranges::sort(reports, {}, &Stamped::order);
  const auto repeats = std::ranges::unique(reports, {}, &Stamped::order);
  reports.erase(repeats.begin(), repeats.end());
  return reports;
}

Trail trail_of(std::span<const Stamped> reports) {
  Trail trail;
  for (const Stamped& report : reports) trail.add(report);
  return trail;
}

RC_GTEST_PROP(Trail, JoinsWhatLiesOneBehindTheOtherExactly, (std::uint64_t seed)) {
  Prng prng(seed);
  const std::vector<Stamped> reports = in_order(prng, 40);
  const std::span all(reports);
  const std::size_t cut = prng.below(static_cast<std::uint32_t>(all.size() + 1));
  const Trail early = trail_of(all.first(cut)), late = trail_of(all.subspan(cut));
  RC_ASSERT(joined(early, late) == trail_of(all));
  RC_ASSERT(joined(late, early) == trail_of(all));
}

RC_GTEST_PROP(Trail, JoinsWhatItStillHoldsExactly, (std::uint64_t seed)) {
  Prng prng(seed);
  const std::vector<Stamped> reports = in_order(prng, kTrailMax);
  std::vector<Stamped> some, others;
  for (const Stamped& report : reports) {
    const std::uint64_t where = prng.below(3);
    if (where != 0) some.push_back(report);
    if (where != 1) others.push_back(report);
  }
  RC_ASSERT(joined(trail_of(some), trail_of(others)) == trail_of(reports));
}

// Where it can't be exact: no more than time has passed, no less than a side had banked.
RC_GTEST_PROP(Trail, JoinsWhatOverlapsWithinItsBounds, (std::uint64_t seed)) {
  Prng prng(seed);
  const std::vector<Stamped> reports = in_order(prng, 60);
  std::vector<Stamped> some, others;
  for (const Stamped& report : reports) {
    const std::uint64_t where = prng.below(3);
    if (where != 0) some.push_back(report);
    if (where != 1) others.push_back(report);
  }
  shuffle(some, prng);
  shuffle(others, prng);
  const Trail a = trail_of(some), b = trail_of(others), both = joined(a, b);
  RC_ASSERT(both == joined(b, a));
  RC_ASSERT(both == joined(both, a));
  RC_ASSERT(both == joined(both, b));
  RC_ASSERT(both.evidence() <= reports.back().order.at - reports.front().order.at);
  RC_ASSERT(both.banked >= std::max(a.banked, b.banked));
  if (a.banked + b.banked == 0 && reports.size() <= kTrailMax) RC_ASSERT(both.banked == 0);
}

Millis longest_gap(const std::vector<Stamped>& reports) {
  Millis longest = 0;
  for (std::size_t i = 1; i < reports.size(); ++i)
    longest = std::max(longest, reports[i].order.at - reports[i - 1].order.at);
  return longest;
}

// What a player of steady pace played is never counted twice, however its reports were shared out;
// nor does more of it get lost than what lies between two reports of one side.
RC_GTEST_PROP(Trail, NeverMakesMoreOfAPlaybackThanWasPlayed, (std::uint64_t seed)) {
  Prng prng(seed);
  std::vector<Stamped> some, others;
  for (std::uint32_t i = 0; i < 40; ++i) {
    Stamped report{.order = {.at = at(i)}, .state = State::kPlaying, .playhead = sec(i)};
    if (!prng.chance(300)) continue;
    if (prng.chance(600)) some.push_back(report);
    if (prng.chance(600)) others.push_back(report);
  }
  if (some.empty() || others.empty()) RC_DISCARD("one side has nothing");
  const Millis first = std::min(*some.front().playhead, *others.front().playhead);
  const Millis end = std::max(*some.back().playhead, *others.back().playhead);
  const Trail a = trail_of(some), b = trail_of(others), both = joined(a, b);
  RC_ASSERT(both.evidence() <= end - first);
  RC_ASSERT(both.evidence() + longest_gap(some) >= a.evidence());
  RC_ASSERT(both.evidence() + longest_gap(others) >= b.evidence());
}

// Half of the time with the owner, half with others: what counts is what both show.
TEST(Merge, TakesUpAViewWhereOthersLeftItAndMakesItCountAtItsTime) {
  Player owner, other;
  owner.play(0, 6, sec(0));
  other.play(6, 12, sec(6));
  ASSERT_FALSE(owner.view.qualified());
  ASSERT_FALSE(other.view.qualified());
  std::optional<Trail> trail = owner.trail;
  EXPECT_TRUE(merge(owner.view, trail, other.view, other.trail, Rules{}));
  EXPECT_EQ(owner.view.qualified_at, at(12));
  EXPECT_EQ(owner.view.playhead, sec(12));
  EXPECT_FALSE(trail.has_value());
}

// The player starts anew while its owner can't be reached, and quits before it has found its place.
TEST(Merge, KeepsThePositionWhereAnotherNodeSawTheViewOnlyStartAgain) {
  Player owner, other;
  other.known = Known::kPart;
  owner.play(0, 60, sec(2700));
  other.tell(say(State::kStarting, 100, sec(0)));
  other.tell(say(State::kRebuffering, 101, sec(0)));
  other.tell(say(State::kStopped, 102, sec(0)));
  std::optional<Trail> trail;
  EXPECT_TRUE(merge(owner.view, trail, other.view, other.trail, Rules{}));
  EXPECT_EQ(resume(owner.gives()), sec(2760));
  other.tell(say(State::kPlaying, 110, sec(2760)));
  other.tell(say(State::kPaused, 120, sec(2770)));
  merge(owner.view, trail, other.view, other.trail, Rules{});
  EXPECT_EQ(resume(owner.gives()), sec(2770));
}

TEST(Merge, ShowsWhereAPlayerStartedWhoseStartAnotherNodeTookUntilItHasMoved) {
  Player other, owner;
  other.known = Known::kPart;
  other.tell(say(State::kStarting, 0, sec(1320)));
  EXPECT_EQ(other.view.playhead, kNoPlayhead);
  EXPECT_EQ(other.view.shown(), sec(1320));
  std::optional<Trail> trail;
  merge(owner.view, trail, other.view, other.trail, Rules{});
  EXPECT_EQ(owner.view.shown(), sec(1320));
  owner.tell(say(State::kPlaying, 10, sec(1325)));
  EXPECT_EQ(owner.view.shown(), sec(1325));
  other.tell(say(State::kStarting, 20, sec(0)));
  merge(owner.view, trail, other.view, other.trail, Rules{});
  EXPECT_EQ(owner.view.shown(), sec(1325)) << "it has not found its place yet";
}

TEST(Merge, LeavesADeletedViewAsItIsButForATermination) {
  Player owner, other;
  owner.play(0, 20, sec(100));
  owner.view.deleted = true;
  other.play(60, 90, sec(160));
  end_view(other.view, EndReason::kTerminated, at(95));
  View expected = owner.view;
  expected.terminated_at = at(95);
  std::optional<Trail> trail;
  EXPECT_TRUE(merge(owner.view, trail, other.view, other.trail, Rules{}));
  EXPECT_EQ(owner.view, expected);
  EXPECT_FALSE(merge(owner.view, trail, other.view, other.trail, Rules{}));
}

TEST(Merge, TakesWhatTheFirstReportFixedFromTheEarlierStart) {
  Player owner, other;
  owner.tell(say(State::kPlaying, 0, sec(0)));
  Report report = say(State::kPlaying, 30);
  report.kind = Kind::kLive;
  report.sent_at = at(30) - kHour;
  other.tell(report);
  std::optional<Trail> trail;
  View forth = owner.view, back = other.view;
  merge(forth, trail, other.view, {}, Rules{});
  merge(back, trail, owner.view, {}, Rules{});
  EXPECT_EQ(forth.kind, Kind::kOnDemand);
  EXPECT_EQ(forth.clock_offset, 0);
  EXPECT_EQ(back.kind, Kind::kOnDemand);
  EXPECT_EQ(back.clock_offset, 0);
}

}  // namespace
}  // namespace playhead
