// One view's fields, each by its own rule: design.md, "One idea: everything is a fold of reports".
#include <gtest/gtest.h>

#include "viewing/viewing_test_kit.h"

namespace playhead {
namespace {

using namespace testing;

TEST(View, TakesTheLatestStateAndPlayhead) {
  Player player;
  player.tell(say(State::kStarting, 0, sec(0)));
  player.tell(say(State::kPlaying, 1, sec(0)));
  player.tell(say(State::kPaused, 31, sec(30)));
  EXPECT_EQ(player.view.state, State::kPaused);
  EXPECT_EQ(player.view.playhead, sec(30));
  EXPECT_EQ(player.view.cursor.at, at(31));
}

TEST(View, IsNotChangedByARepeat) {
  Player player;
  player.tell(say(State::kStarting, 0, sec(0)));
  player.tell(with_watched(say(State::kPlaying, 5, sec(5)), 5000));
  player.tell(say(State::kPaused, 31, sec(30)));
  const View before = player.view;
  const Trail trail = player.trail;
  EXPECT_FALSE(player.tell(with_watched(say(State::kPlaying, 5, sec(5)), 5000), at(60)).changed);
  EXPECT_FALSE(player.tell(say(State::kPaused, 31, sec(30)), at(60)).changed);
  EXPECT_EQ(player.view, before);
  EXPECT_EQ(player.trail, trail);
}

TEST(View, MergesAllButTheCursorOfAnOlderReport) {
  Player player;
  player.tell(say(State::kPaused, 40, sec(30)));
  Report older =
      with_credits(with_duration(say(State::kPlaying, 20, sec(20)), sec(3300)), sec(3180));
  older.started_at = at(-5);
  older.watched = sec(20);
  EXPECT_TRUE(player.tell(older, at(41)).changed);
  EXPECT_EQ(player.view.state, State::kPaused);
  EXPECT_EQ(player.view.playhead, sec(30));
  EXPECT_EQ(player.view.cursor.at, at(40));
  EXPECT_EQ(player.view.start, at(-5));
  EXPECT_EQ(player.view.duration, sec(3300));
  EXPECT_EQ(player.view.credits, sec(3180));
  EXPECT_EQ(player.view.watched, sec(20));
  EXPECT_TRUE(player.view.qualified());
}

TEST(View, OrdersReportsOfOneMomentBySequence) {
  for (const bool forwards : {true, false}) {
    Player player;
    Report first = say(State::kPlaying, 10, sec(10));
    first.sequence = 3;
    Report second = say(State::kPaused, 10, sec(11));
    second.sequence = 4;
    player.tell(forwards ? first : second);
    player.tell(forwards ? second : first);
    EXPECT_EQ(player.view.state, State::kPaused) << forwards;
    EXPECT_EQ(player.view.playhead, sec(11)) << forwards;
  }
}

TEST(View, TrustsTheTimeBeforeTheSequenceSoThatARestartedSequenceIsHarmless) {
  Player player;
  Report before = say(State::kPlaying, 10, sec(10));
  before.sequence = 900;
  Report after = say(State::kPlaying, 20, sec(20));
  after.sequence = 0;
  player.tell(before);
  player.tell(after);
  EXPECT_EQ(player.view.playhead, sec(20));
}

TEST(View, DecidesTheSameBetweenReportsOfOneMomentWithoutSequenceWhateverTheirOrder) {
  Player one, other;
  const Report a = say(State::kPlaying, 10, sec(10)), b = say(State::kPaused, 10, sec(12));
  one.tell(a);
  one.tell(b);
  other.tell(b);
  other.tell(a);
  EXPECT_EQ(one.view, other.view);
}

TEST(View, StartsAtTheEarliestTimeKnown) {
  Player player;
  player.tell(say(State::kPlaying, 10, sec(10)));
  EXPECT_EQ(player.view.start, at(10));
  Report report = say(State::kPlaying, 20, sec(20));
  report.started_at = at(2);
  player.tell(report);
  EXPECT_EQ(player.view.start, at(2));
  report = say(State::kPlaying, 30, sec(30));
  report.started_at = at(5);
  player.tell(report);
  EXPECT_EQ(player.view.start, at(2));
}

TEST(View, NeverStartsAfterTheReportThatSaysSo) {
  Player player;
  Report report = say(State::kPlaying, 10, sec(10));
  report.started_at = at(500);
  player.tell(report);
  EXPECT_EQ(player.view.start, at(10));
}

TEST(View, KeepsTheStateWhenAReportNamesNone) {
  Player player;
  player.tell(say(State::kKeep, 0));
  EXPECT_EQ(player.view.state, State::kStarting) << "a new view is starting";
  player.tell(say(State::kPaused, 1));
  player.tell(say(State::kKeep, 2, sec(7)));
  EXPECT_EQ(player.view.state, State::kPaused);
  EXPECT_EQ(player.view.playhead, sec(7));
}

TEST(View, TakesDurationAndCreditsFromTheLatestReportThatKnowsThem) {
  Player player;
  player.tell(with_duration(say(State::kPlaying, 0, sec(0)), sec(3000)));
  player.tell(with_credits(say(State::kPlaying, 10, sec(10)), sec(2900)));
  player.tell(with_duration(say(State::kPlaying, 20, sec(20)), sec(3300)));
  player.tell(say(State::kPlaying, 30, sec(30)));
  EXPECT_EQ(player.view.duration, sec(3300));
  EXPECT_EQ(player.view.credits, sec(2900));
  player.tell(with_duration(say(State::kPlaying, 5, sec(5)), sec(60)), at(40));
  EXPECT_EQ(player.view.duration, sec(3300)) << "an older report knew less";
}

TEST(View, TakesDurationsAndCreditsOfZeroForUnknown) {
  Player player;
  player.tell(with_credits(with_duration(say(State::kPlaying, 0, sec(0)), sec(3300)), sec(3180)));
  player.tell(with_credits(with_duration(say(State::kPlaying, 10, sec(10)), 0), 0));
  EXPECT_EQ(player.view.duration, sec(3300));
  EXPECT_EQ(player.view.credits, sec(3180));
}

TEST(View, NeverMovesAPlayheadForAReportWithoutOne) {
  Player player;
  player.tell(say(State::kPlaying, 0, sec(100)));
  player.tell(say(State::kPlaying, 10));
  player.tell(say(State::kSeeking, 20));
  EXPECT_EQ(player.view.playhead, sec(100));
  EXPECT_EQ(player.view.moved, at(0));
}

TEST(View, KeepsTheLastPlayheadAtAStopWithoutOne) {
  Player player;
  player.play(0, 60, sec(100));
  player.tell(say(State::kStopped, 61));
  EXPECT_EQ(player.view.playhead, sec(160));
  EXPECT_EQ(resume(player.gives()), sec(160));
}

TEST(View, IgnoresAPlayheadBeyondTheDurationAndKeepsItsReport) {
  Player player;
  player.tell(with_duration(say(State::kPlaying, 0, sec(10)), sec(3300)));
  EXPECT_FALSE(player.dropped);
  player.tell(with_duration(say(State::kPaused, 10, sec(3301)), sec(3300)));
  EXPECT_TRUE(player.dropped);
  EXPECT_EQ(player.view.playhead, sec(10));
  EXPECT_EQ(player.view.state, State::kPaused);
  player.tell(say(State::kPaused, 20, sec(99999)));
  EXPECT_TRUE(player.dropped) << "the view's own duration is known";
  player.tell(say(State::kPaused, 30, sec(3300)));
  EXPECT_FALSE(player.dropped) << "the end itself is not beyond it";
  EXPECT_EQ(player.view.playhead, sec(3300));
}

TEST(View, NeverTakesAdvertisingForContent) {
  Player player;
  player.play(0, 60, sec(100), sec(3300));
  const View before = player.view;
  for (int i = 1; i <= 30; ++i) player.tell(say(State::kAd, 60 + i, sec(i)));
  EXPECT_EQ(player.view.playhead, sec(160));
  EXPECT_EQ(player.view.moved, at(60));
  EXPECT_EQ(player.view.played_ms(), before.played_ms());
  EXPECT_EQ(player.view.state, State::kAd);
}

TEST(View, EndsByStoppedCompletedAndFailed) {
  const std::pair<State, EndReason> ends[] = {{State::kStopped, EndReason::kStopped},
                                              {State::kCompleted, EndReason::kCompleted},
                                              {State::kFailed, EndReason::kFailed}};
  for (const auto& [state, reason] : ends) {
    Player player;
    player.tell(say(State::kPlaying, 0, sec(0)));
    EXPECT_FALSE(player.view.ended());
    EXPECT_EQ(player.view.reason(), EndReason::kNone);
    player.tell(say(state, 10, sec(10)));
    EXPECT_TRUE(player.view.ended()) << name_of(state);
    EXPECT_EQ(player.view.reason(), reason);
  }
}

TEST(View, IsReopenedByALaterStartingPlayingOrSeekingReportOnly) {
  for (const State state : {State::kStarting, State::kPlaying, State::kSeeking}) {
    Player player;
    player.tell(say(State::kStopped, 10, sec(10)));
    player.tell(say(state, 9, sec(9)), at(11));
    EXPECT_TRUE(player.view.ended()) << "an older " << name_of(state);
    player.tell(say(state, 12, sec(12)));
    EXPECT_FALSE(player.view.ended()) << name_of(state);
    player.tell(say(State::kStopped, 13, sec(12)));
    EXPECT_TRUE(player.view.ended());
  }
  for (const State state : {State::kPaused, State::kRebuffering, State::kAd, State::kKeep}) {
    Player player;
    player.tell(say(State::kStopped, 10, sec(10)));
    player.tell(say(state, 12, sec(12)));
    EXPECT_TRUE(player.view.ended()) << "a later heartbeat of state " << static_cast<int>(state);
  }
}

TEST(View, IsReopenedAfterItWasReplaced) {
  Player player;
  player.tell(say(State::kPlaying, 0, sec(0)));
  EXPECT_TRUE(end_view(player.view, EndReason::kReplaced, at(5)));
  EXPECT_FALSE(end_view(player.view, EndReason::kReplaced, at(5)));
  EXPECT_EQ(player.view.reason(), EndReason::kReplaced);
  player.tell(say(State::kPlaying, 4, sec(4)), at(6));
  EXPECT_TRUE(player.view.ended()) << "it was made before the replacement";
  player.tell(say(State::kPlaying, 7, sec(7)));
  EXPECT_FALSE(player.view.ended());
}

TEST(View, IsNeverReopenedAfterATermination) {
  Player player;
  player.tell(say(State::kPlaying, 0, sec(0)));
  EXPECT_TRUE(end_view(player.view, EndReason::kTerminated, at(30)));
  const View before = player.view;
  const Transition transition = player.tell(say(State::kPlaying, 31, sec(31)));
  EXPECT_TRUE(transition.refused);
  EXPECT_FALSE(transition.changed);
  EXPECT_EQ(player.view, before);
  EXPECT_EQ(player.view.reason(), EndReason::kTerminated);
}

TEST(View, FoldsReportsUpToItsTermination) {
  Player player;
  player.play(0, 20, sec(100));
  end_view(player.view, EndReason::kTerminated, at(30));
  EXPECT_TRUE(player.tell(say(State::kPlaying, 30, sec(130)), at(31)).changed);
  EXPECT_EQ(player.view.playhead, sec(130));
  EXPECT_TRUE(player.view.ended());
  EXPECT_EQ(player.view.reason(), EndReason::kTerminated);
  EXPECT_EQ(resume(player.gives()), sec(130)) << "its last position is kept";
}

TEST(View, KeepsTheEarliestOfItsTerminations) {
  Player player;
  end_view(player.view, EndReason::kTerminated, at(30));
  EXPECT_FALSE(end_view(player.view, EndReason::kTerminated, at(40)));
  EXPECT_EQ(player.view.terminated_at, at(30));
}

TEST(View, HasNoPlayheadWhenItIsLive) {
  Player player;
  Report live = say(State::kPlaying, 0, sec(100));
  live.kind = Kind::kLive;
  player.tell(live);
  EXPECT_EQ(player.view.playhead, kNoPlayhead);
  player.tell(say(State::kPlaying, 10, sec(110)));
  EXPECT_EQ(player.view.playhead, kNoPlayhead) << "a later report need not say the kind again";
}

}  // namespace
}  // namespace playhead
