// Where a title stands: design.md, "Never lose a position", "Moved", "Finished crossing", "Acts".
#include <gtest/gtest.h>

#include "viewing/viewing_test_kit.h"

namespace playhead {
namespace {

using namespace testing;

constexpr Millis kEpisode = 3'300'000;

TitleState act_at(double when, std::optional<Playhead> playhead, std::optional<bool> watched = {},
                  std::optional<bool> hidden = {}) {
  return contribution(TitleAct{.title = "got-s01e01",
                               .at = at(when),
                               .playhead = playhead,
                               .watched = watched,
                               .hidden = hidden});
}

TEST(Progress, IsUntouchedByAPlayerThatStartsAtZeroAndQuitsBeforeItsSeek) {
  Player yesterday("v0");
  yesterday.play(-9000, -8000, sec(200), kEpisode);
  Player today("v1");
  today.tell(with_duration(say(State::kStarting, 0, sec(0)), kEpisode));
  today.tell(say(State::kPlaying, 1, sec(0)));
  today.tell(say(State::kStopped, 4, sec(3)));
  EXPECT_EQ(resume(row_of(yesterday.gives(), today.gives())), sec(1200));
}

TEST(Progress, MovesOnceTenSecondsWerePlayed) {
  Player player;
  player.tell(say(State::kPlaying, 0, sec(100)));
  player.tell(say(State::kPlaying, 9.999, sec(109.999)));
  EXPECT_EQ(player.gives(), TitleState{});
  EXPECT_TRUE(player.tell(say(State::kPlaying, 10, sec(110))).just_qualified);
  EXPECT_EQ(resume(player.gives()), sec(110));
}

TEST(Progress, NeedsHalfOfAShortTitleByTheSmallestDurationSeen) {
  Player player;
  player.tell(with_duration(say(State::kPlaying, 0, sec(0)), sec(8)));
  player.tell(with_duration(say(State::kPlaying, 3.9, sec(3.9)), sec(3300)));
  EXPECT_FALSE(player.view.qualified());
  player.tell(say(State::kPlaying, 4, sec(4)));
  EXPECT_TRUE(player.view.qualified());
}

TEST(Progress, TakesNoSeekForWatching) {
  Player player;
  player.tell(say(State::kPlaying, 0, sec(0)));
  player.tell(say(State::kSeeking, 2, sec(1200)));
  player.tell(say(State::kPaused, 600, sec(1200)));
  player.tell(say(State::kPlaying, 1200, sec(1200)));
  EXPECT_FALSE(player.view.qualified());
}

TEST(Progress, MovesByASeekInAQualifiedViewThoughItStopsAtOnce) {
  Player player;
  player.play(0, 20, sec(100), kEpisode);
  player.tell(say(State::kSeeking, 21, sec(2000)));
  player.tell(say(State::kStopped, 22, sec(2000)));
  EXPECT_EQ(resume(player.gives()), sec(2000));
  EXPECT_EQ(player.gives().position.moved, at(21));
}

TEST(Progress, IsNotUndoneByATvLeftOnPauseOvernight) {
  Player tv("tv-view"), phone("phone-view", "phone-1");
  tv.play(0, 600, sec(0), kEpisode);
  phone.play(1000, 1600, sec(600), kEpisode);
  for (int i = 1; i < 500; ++i) tv.tell(say(State::kPaused, 600 + 30 * i, sec(600)));
  tv.tell(say(State::kStopped, 20'000, sec(600)));
  EXPECT_EQ(resume(row_of(phone.gives(), tv.gives())), sec(1200));
}

// Players go on with `seeking` and `completed` as heartbeats, for hours (recordings of three do).
TEST(Progress, IsNotUndoneByHeartbeatsThatRepeatASeekOrAnEnd) {
  for (const State state : {State::kSeeking, State::kCompleted}) {
    Player tv("tv-view"), phone("phone-view", "phone-1");
    tv.play(0, 600, sec(0), kEpisode);
    tv.tell(say(state, 601, sec(3300)));
    phone.play(1000, 1600, sec(0), kEpisode);
    for (int i = 1; i < 500; ++i) tv.tell(say(state, 601 + 30 * i, sec(3300)));
    EXPECT_EQ(resume(row_of(phone.gives(), tv.gives())), sec(600)) << name_of(state);
  }
}

TEST(Progress, IsNotUndoneByAViewThatStartsAgainAtZeroAndQuits) {
  Player player;
  player.play(0, 600, sec(0), kEpisode);
  player.tell(say(State::kPaused, 605, sec(605)));
  player.tell(say(State::kStarting, 5000, sec(0)));
  player.tell(say(State::kPaused, 5001, sec(0)));
  player.tell(say(State::kStopped, 5002, sec(0)));
  EXPECT_EQ(resume(player.gives()), sec(605));
  player.tell(say(State::kPlaying, 5010, sec(605)));
  EXPECT_EQ(player.gives().position.moved, at(5010));
}

TEST(Progress, IsRefinedByAPauseThatMovesNothing) {
  Player player;
  player.play(0, 20, sec(100));
  player.tell(say(State::kPaused, 27, sec(127)));
  EXPECT_EQ(resume(player.gives()), sec(127));
  EXPECT_EQ(player.gives().position.moved, at(20));
}

TEST(Progress, KeepsNewerProgressWhenAnOfflineDeviceReportsLate) {
  Player offline("tablet-view", "tablet"), phone("phone-view", "phone-1");
  phone.play(5000, 5600, sec(1000), kEpisode);
  for (double when = 0; when <= 600; when += 10)
    offline.tell(say(State::kPlaying, when, sec(when)), at(90'000));
  EXPECT_EQ(resume(row_of(phone.gives(), offline.gives())), sec(1600));
  EXPECT_EQ(offline.view.playhead, sec(600)) << "history keeps its own last playhead";
}

TEST(Progress, IsNeverMovedByLiveOrUnrecordedViews) {
  for (const bool live : {true, false}) {
    Player player;
    for (double when = 0; when <= 60; when += 10) {
      Report report = with_watched(say(State::kPlaying, when, sec(when)), sec(when));
      report.kind = live ? Kind::kLive : Kind::kOnDemand;
      report.record = live;
      player.tell(report);
    }
    EXPECT_TRUE(player.view.qualified());
    EXPECT_EQ(player.gives(), TitleState{}) << live;
  }
}

TEST(Finished, TakesFiveSecondsOfPlayingBeyondNinetyFivePercent) {
  Player player;
  player.play(0, 20, sec(100), kEpisode);
  player.tell(with_duration(say(State::kPlaying, 30, sec(3135)), kEpisode));
  player.tell(with_duration(say(State::kPlaying, 34.999, sec(3139.999)), kEpisode));
  EXPECT_FALSE(player.view.finished());
  EXPECT_TRUE(
      player.tell(with_duration(say(State::kPlaying, 35, sec(3140)), kEpisode)).just_finished);
  EXPECT_EQ(resume(player.gives()), std::nullopt);
  EXPECT_EQ(player.gives().position.playhead, sec(3140)) << "it remembers where it was";
}

TEST(Finished, IsNoMatterOfASeekAndTheOneReportThatFollowsIt) {
  Player player;
  player.play(0, 20, sec(100), kEpisode);
  player.tell(say(State::kSeeking, 30, sec(3200)));
  player.tell(say(State::kPlaying, 30.03, sec(3200)));
  player.tell(say(State::kStopped, 300, sec(3200)));
  EXPECT_FALSE(player.view.finished());
  EXPECT_EQ(resume(player.gives()), sec(3200));
}

TEST(Finished, GoesByTheCreditsThoughOnlyOneReportKnewThem) {
  Player player;
  player.tell(with_credits(with_duration(say(State::kPlaying, 0, sec(2700)), kEpisode), sec(2800)));
  for (double when = 10; when <= 110; when += 10)
    player.tell(with_duration(say(State::kPlaying, when, sec(2700 + when)), kEpisode));
  EXPECT_TRUE(player.view.finished()) << "95 % would be 3135 s";
  EXPECT_EQ(player.view.finished_at, at(110));
}

TEST(Finished, NeedsAKnownDurationUnlessThePlayerSaysCompleted) {
  Player player;
  player.play(0, 600, sec(3000));
  EXPECT_FALSE(player.view.finished());
  player.tell(say(State::kCompleted, 601));
  EXPECT_TRUE(is_finished(player.gives(), Rules{}));
}

TEST(Finished, StaysSoWhenCompletedComesTwiceOrTheViewIsPlayedAgainToItsEnd) {
  Player player;
  player.play(0, 600, sec(0));
  player.tell(say(State::kCompleted, 601, sec(601)));
  player.tell(say(State::kCompleted, 601.1, sec(601.1)));
  EXPECT_TRUE(is_finished(player.gives(), Rules{}));
  player.play(700, 800, sec(0));
  EXPECT_EQ(resume(player.gives()), sec(100)) << "a rewatch has a position";
  EXPECT_TRUE(player.gives().watched.value) << "and keeps watched";
  player.tell(say(State::kCompleted, 801, sec(601)));
  EXPECT_EQ(resume(player.gives()), std::nullopt);
}

TEST(Acts, MarkWatchedClearsTheResumePositionAndUnwatchedRestoresIt) {
  Player player;
  player.play(0, 600, sec(0), kEpisode);
  TitleState row = row_of(player.gives(), act_at(700, {}, true));
  EXPECT_EQ(resume(row), std::nullopt);
  row.merge(act_at(710, {}, false));
  EXPECT_EQ(resume(row), sec(600));
}

TEST(Acts, WinAtATieAndAreSupersededByALaterMovement) {
  Player player;
  player.play(0, 600, sec(0), kEpisode);
  EXPECT_EQ(resume(row_of(player.gives(), act_at(600, sec(5)))), sec(5));
  player.tell(say(State::kPlaying, 610, sec(610)));
  EXPECT_EQ(resume(row_of(player.gives(), act_at(600, sec(5)))), sec(610));
}

TEST(Acts, HidingKeepsThePositionAndAViewUnhidesOnceAtItsQualification) {
  Player player;
  player.play(0, 600, sec(0), kEpisode);
  TitleState row = row_of(player.gives(), act_at(300, {}, {}, true));
  EXPECT_TRUE(row.hidden.value) << "it plays on, but it had qualified before";
  EXPECT_EQ(resume(row), sec(600));
  Player next("v2");
  next.play(1000, 1020, sec(600), kEpisode);
  row.merge(next.gives());
  EXPECT_FALSE(row.hidden.value);
}

TEST(Progress, IsClearedWithTheDeletedViewThatSetItAndRestoresNone) {
  Player first("v0"), second("v1");
  first.play(0, 600, sec(0), kEpisode);
  second.play(1000, 1600, sec(600), kEpisode);
  TitleState row = row_of(first.gives(), second.gives());
  second.view.deleted = true;
  row.merge(second.gives());
  EXPECT_EQ(resume(row), std::nullopt);
}

TEST(ContinueWatching, OffersTheNextEpisodeAfterAFinishedOneUnlessWatchedOrHidden) {
  Player player;
  player.play(0, 600, sec(2700), kEpisode);
  ASSERT_TRUE(player.view.finished());
  const NamedTitle first{"e1", player.gives("got", "e2")};
  auto rows = continue_watching({first}, Rules{});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].title, "e2");
  EXPECT_EQ(rows[0].reason, RowReason::kNext);
  for (const bool hide : {true, false}) {
    NamedTitle next{"e2", hide ? act_at(1, {}, {}, true) : act_at(1, {}, true)};
    next.state.series = "got";
    EXPECT_TRUE(continue_watching({first, next}, Rules{}).empty()) << hide;
  }
}

TEST(ContinueWatching, LeavesOutTitlesPlayedForLessThanTwoMinutesAndThreePercent) {
  Player player;
  player.play(0, 98, sec(0), kEpisode);
  EXPECT_TRUE(continue_watching({{"e1", player.gives()}}, Rules{}).empty());
  player.play(98, 99, sec(98), kEpisode);
  EXPECT_EQ(continue_watching({{"e1", player.gives()}}, Rules{}).size(), 1u);
}

}  // namespace
}  // namespace playhead
