// Goal: the fold is a function of the set of stamped reports.
// Method: an owner stamps random reports in the order in which they came; the same set is folded
// again in other orders, with repeats. Times and sequences collide, playheads are missing.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "base/prng.h"
#include "viewing/random_reports.h"
#include "viewing/viewing_test_kit.h"

namespace playhead {
namespace {

using namespace testing;

View folded(const std::vector<Stamped>& reports, bool twice) {
  View view;
  Trail trail;
  for (const Stamped& report : reports)
    for (int i = 0; i <= twice; ++i) apply(view, &trail, report, Rules{});
  return view;
}

// All but what is taken once, as folded.
View without_firsts(View view) {
  view.qualified_at = view.finished_at = kNever;
  return view;
}

RC_GTEST_PROP(Fold, DependsNeitherOnTheOrderNorOnRepetition, (std::uint64_t seed)) {
  Prng prng(seed);
  std::vector<Stamped> reports = stamped(prng, 1 + prng.below(20));
  const View once = folded(reports, false);
  shuffle(reports, prng);
  RC_ASSERT(without_firsts(folded(reports, true)) == without_firsts(once));
}

RC_GTEST_PROP(Fold, IsNotChangedByASecondDeliveryOfEverything, (std::uint64_t seed)) {
  Prng prng(seed);
  const std::vector<Stamped> reports = stamped(prng, 1 + prng.below(8));
  View view;
  Trail trail;
  for (const Stamped& report : reports) apply(view, &trail, report, Rules{});
  const View before = view;
  const Trail trail_before = trail;
  if (view.qualified()) trail = {};
  for (const Stamped& report : reports) {
    const bool finishes = !view.finished();
    const Transition again = apply(view, view.qualified() ? nullptr : &trail, report, Rules{});
    RC_ASSERT(!again.changed || (finishes && again.just_finished));
  }
  RC_ASSERT(without_firsts(view) == without_firsts(before));
  if (!view.qualified()) RC_ASSERT(trail == trail_before);
}

RC_GTEST_PROP(Fold, GivesTheTitleTheSameRowHoweverOftenItWasCheckpointed, (std::uint64_t seed)) {
  Prng prng(seed);
  const std::vector<Stamped> reports = stamped(prng, 1 + prng.below(20));
  View view;
  Trail trail;
  TitleState row;
  const ViewTexts texts{.view = "v1", .device = "tv-1"};
  for (const Stamped& report : reports) {
    apply(view, &trail, report, Rules{});
    if (prng.chance(400)) row.merge(contribution(view, texts));
  }
  row.merge(contribution(view, texts));
  RC_ASSERT(row == contribution(view, texts));
}

RC_GTEST_PROP(Trail, CountsTheSameFromEitherEnd, (std::uint64_t seed)) {
  Prng prng(seed);
  std::vector<Stamped> reports = stamped(prng, 1 + prng.below(30));
  for (Stamped& report : reports)
    if (report.state == State::kKeep) report.state = State::kPlaying;
  std::ranges::sort(reports, {}, &Stamped::order);
  // A repeat may have been stamped with another playhead; the first to come is the evidence.
  const auto repeats = std::ranges::unique(reports, {}, &Stamped::order);
  reports.erase(repeats.begin(), repeats.end());
  Trail forwards, backwards;
  for (const Stamped& report : reports) forwards.add(report);
  for (auto report = reports.rbegin(); report != reports.rend(); ++report) backwards.add(*report);
  RC_ASSERT(forwards.evidence() == backwards.evidence());
}

TitleState random_title(Prng& prng) {
  if (prng.chance(300)) {
    TitleAct act{.title = "t", .at = at(static_cast<double>(prng.below(20)))};
    if (prng.chance(500)) act.playhead = sec(static_cast<double>(prng.below(3)));
    if (prng.chance(500)) act.watched = prng.chance(500);
    if (prng.chance(500)) act.hidden = prng.chance(500);
    return contribution(act);
  }
  View view = folded(stamped(prng, 1 + prng.below(12)), false);
  view.deleted = prng.chance(200);
  view.meta_order.at = at(static_cast<double>(prng.below(2)));
  return contribution(view, {.view = prng.chance(500) ? "v1" : "v2",
                             .device = prng.chance(500) ? "tv" : "phone",
                             .series = prng.chance(500) ? "s1" : "s2",
                             .next_title = prng.chance(500) ? "n1" : "n2"});
}

RC_GTEST_PROP(TitleState, MergesInAnyOrderGroupingAndNumber, (std::uint64_t seed)) {
  Prng prng(seed);
  const TitleState a = random_title(prng), b = random_title(prng), c = random_title(prng);
  RC_ASSERT(row_of(a, b) == row_of(b, a));
  RC_ASSERT(row_of(row_of(a, b), c) == row_of(a, row_of(b, c)));
  RC_ASSERT(row_of(a, b, a, b) == row_of(a, b));
}

// The smallest case known in which the order decides whether a view counts; docs/decisions/0010.
TEST(Fold, QualifiesAsFoldedWhenASeekThatWouldRetractTheEvidenceComesLate) {
  Player as_it_was, late;
  const Report from = say(State::kPlaying, 0, sec(0)), seek = say(State::kSeeking, 5, sec(500)),
               to = say(State::kPaused, 10, sec(500));
  for (const Report* report : {&from, &seek, &to}) as_it_was.tell(*report);
  for (const Report* report : {&from, &to, &seek}) late.tell(*report, at(20));
  EXPECT_FALSE(as_it_was.view.qualified());
  EXPECT_TRUE(late.view.qualified());
}

}  // namespace
}  // namespace playhead
