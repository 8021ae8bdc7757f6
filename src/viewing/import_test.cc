// What is told of a view elsewhere becomes what reports would have left here.
#include "viewing/import.h"

#include <gtest/gtest.h>

#include "viewing/title.h"

namespace playhead {
namespace {

constexpr Instant kStart{1'700'000'000'000};

ImportedView told() {
  ImportedView view;
  view.account = "a";
  view.profile = "p";
  view.title = "t";
  view.started_at = kStart;
  view.ended_at = kStart + 600'000;
  return view;
}

TEST(Import, TakesAViewThatSaysNoMoreThanItsTimeForWatchedAllTheWhile) {
  const View view = view_of(told(), {});
  EXPECT_EQ(view.played_ms(), 600'000);
  EXPECT_TRUE(view.qualified());
  EXPECT_FALSE(view.finished());
  EXPECT_TRUE(view.ended());
  EXPECT_EQ(view.reason(), EndReason::kStopped);
}

TEST(Import, CountsNoMoreThanThePlayheadAllows) {
  ImportedView in = told();
  in.playhead = 5'000;
  const View view = view_of(in, {});
  EXPECT_EQ(view.played_ms(), 5'000);
  EXPECT_FALSE(view.qualified());
  EXPECT_EQ(contribution(view, {}), TitleState{}) << "it moves nothing";
}

TEST(Import, FinishesWhatLiesBehindTheLine) {
  ImportedView in = told();
  in.duration = 600'000;
  in.playhead = 580'000;
  EXPECT_TRUE(view_of(in, {}).finished());
  in.playhead = 500'000;
  EXPECT_FALSE(view_of(in, {}).finished());
}

TEST(Import, PutsACompletedViewAtItsEnd) {
  ImportedView in = told();
  in.end_reason = EndReason::kCompleted;
  in.duration = 600'000;
  const View view = view_of(in, {});
  EXPECT_EQ(view.playhead, 600'000);
  EXPECT_TRUE(view.finished());
  const TitleState title = contribution(view, {.view = "v"});
  EXPECT_TRUE(title.position.at_end);
  EXPECT_TRUE(is_finished(title, {}));
}

TEST(Import, TakesAnExportAtItsWord) {
  ImportedView in = told();
  in.duration = 600'000;
  in.playhead = 590'000;
  in.watched = 300'000;
  in.fold.emplace();
  const View view = view_of(in, {});
  EXPECT_FALSE(view.qualified()) << "it says nothing of that";
  EXPECT_FALSE(view.finished());
  EXPECT_EQ(view.moved, kNever);
}

TEST(Import, OfATitleNeverTakesThePlaceOfWhatIsNewer) {
  ImportedTitle in;
  in.playhead = 1'000;
  in.at = kStart;
  in.watched = ImportedFlag{.value = true, .by_hand = false, .at = kStart};
  const TitleState imported = contribution(in);
  TitleState live = contribution(
      TitleAct{.title = "t", .at = kStart + 1, .playhead = 2'000, .watched = false, .hidden = {}});
  TitleState merged = live;
  merged.merge(imported);
  EXPECT_EQ(merged.position, live.position);
  EXPECT_EQ(merged.watched, live.watched);
  live.merge(imported);
  live.merge(imported);
  EXPECT_EQ(merged, live) << "twice is once";
}

TEST(Import, OfABareRegisterCountsAsPlayedUpToIt) {
  ImportedTitle in;
  in.playhead = 200'000;
  in.at = kStart;
  const TitleState state = contribution(in);
  EXPECT_EQ(state.played_max, 200'000);
  EXPECT_EQ(continue_watching({{.title = "t", .state = state}}, {}).size(), 1U);
}

TEST(Import, RemembersTheLatestOfSeveral) {
  TitleState first, second;
  first.import = {.at = kStart, .origin = "netflix"};
  second.import = {.at = kStart + 1, .origin = "trakt"};
  first.merge(second);
  second.merge(first);
  EXPECT_EQ(first.import.origin, "trakt");
  EXPECT_EQ(second.import.origin, "trakt");
}

}  // namespace
}  // namespace playhead
