// Views that fall silent: when they end, and what brings them back.
#include <gtest/gtest.h>

#include "sim/shard_test_kit.h"

namespace playhead::testing {
namespace {

using Names = std::vector<std::string>;

TEST(Expiry, EndsAViewThatIsSilentForThreeIntervals) {
  Server server;
  server.tell(server.say(State::kPlaying));
  server.pass(29 * kSecond);
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(3 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kExpired);
}

TEST(Expiry, LeavesAViewWhoseHeartbeatsCome) {
  Server server;
  for (int i = 0; i < 20; ++i) {
    server.tell(server.say(State::kPlaying));
    server.pass(25 * kSecond);
    ASSERT_EQ(server.viewers(), Names{"v1"}) << "after heartbeat " << i;
  }
}

TEST(Expiry, GivesAPausedViewTenMinutes) {
  Server server;
  server.tell(server.say(State::kPlaying));
  server.tell(server.say(State::kPaused));
  server.pass(599 * kSecond);
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(3 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
}

TEST(Expiry, EndsAPausedViewThatPlayedOnAfterTheShortSilence) {
  Server server;
  server.tell(server.say(State::kPaused));
  server.pass(100 * kSecond);
  server.tell(server.say(State::kPlaying));
  server.pass(28 * kSecond);
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(4 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
}

TEST(Expiry, GivesPlainCmcdPlayersNinetySeconds) {
  Server server;
  Report report = server.say(State::kPlaying);
  report.cmcd = true;
  server.tell(report);
  server.pass(88 * kSecond);
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(4 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
}

TEST(Expiry, IsNotForgottenByARestart) {
  Server server;
  server.tell(server.say(State::kPlaying));
  server.pass(20 * kSecond);
  server.crash();
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(12 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
}

// Under load players are asked to report less often, and are given that much longer.
TEST(Expiry, GoesByTheIntervalThatWasAskedForAlsoAfterARestart) {
  ShardOptions options;
  options.reports_per_s_high = 1;
  Server server(options);
  server.tell(server.say(State::kPlaying));
  for (const char* view : {"v2", "v3", "v4"}) server.tell(server.say(State::kStopped, view));
  server.pass(2 * kSecond);
  EXPECT_GT(server.shard().next_report_ms(), 10 * kSecond);
  const Millis interval = server.shard().next_report_ms();
  server.tell(server.say(State::kPlaying));
  server.crash();
  server.pass(3 * interval - 2 * kSecond);
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(4 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
}

TEST(Expiry, HasComeWhenTheServerReturnsAfterALongerSilence) {
  Server server;
  server.tell(server.say(State::kPlaying));
  server.pass(40 * kSecond);
  server.crash();
  EXPECT_EQ(server.viewers(), Names{});
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kExpired);
}

TEST(Expiry, IsUndoneByAReportThatPlaysOnly) {
  Server server;
  server.tell(server.say(State::kPlaying));
  server.pass(40 * kSecond);
  server.tell(server.say(State::kPaused));
  EXPECT_EQ(server.viewers(), Names{});
  server.crash();
  EXPECT_EQ(server.viewers(), Names{}) << "what could not reopen it does not in a replay";
  server.tell(server.say(State::kPlaying));
  EXPECT_EQ(server.viewers(), Names{"v1"});
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kNone);
}

TEST(LateReport, NeverMakesAViewActive) {
  Server server;
  server.pass(kMinute);
  Report late = server.say(State::kPlaying);
  late.at = server.now() - 40 * kSecond;
  EXPECT_EQ(server.tell(late).accepted, 1u);
  EXPECT_EQ(server.viewers(), Names{});
  EXPECT_EQ(server.history(), Names{"v1"}) << "it counts nevertheless";
  server.crash();
  EXPECT_EQ(server.viewers(), Names{});
}

TEST(LateReport, DoesNotReopenWhatFellSilent) {
  Server server;
  server.tell(server.say(State::kPlaying));
  const Instant first = server.now();
  server.pass(kMinute);
  Report late = server.say(State::kPlaying);
  late.at = first + 10 * kSecond;
  late.playhead = 10 * kSecond;
  EXPECT_EQ(server.tell(late).accepted, 1u);
  EXPECT_EQ(server.viewers(), Names{});
  EXPECT_EQ(server.view("v1").item.playhead, 10 * kSecond) << "its position is taken";
  server.crash();
  EXPECT_EQ(server.viewers(), Names{});
}

// A player whose reports come 25 seconds late, and then later still.
Report paused_late(Server& server) {
  Report playing = server.say(State::kPlaying);
  playing.at = server.now() - 25 * kSecond;
  server.tell(playing);
  Report paused = playing;
  paused.state = State::kPaused;
  paused.at = playing.at + 5 * kSecond;
  return paused;
}

TEST(LateReport, PausesAViewThatIsActiveAndARestartAgrees) {
  Server server;
  server.pass(kMinute);
  const Report paused = paused_late(server);
  server.pass(20 * kSecond);
  server.tell(paused);
  server.pass(kMinute);
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.crash();
  EXPECT_EQ(server.viewers(), Names{"v1"});
  server.pass(10 * kMinute);
  EXPECT_EQ(server.viewers(), Names{});
}

// Found by the simulation (seed 379): the restart gave the view the ten minutes of a pause.
TEST(LateReport, ThatPausesWhatFellSilentDoesNotBringItBackInARestart) {
  Server server;
  server.pass(kMinute);
  const Report paused = paused_late(server);
  server.pass(40 * kSecond);
  EXPECT_EQ(server.viewers(), Names{});
  server.tell(paused);
  EXPECT_EQ(server.viewers(), Names{});
  server.crash();
  EXPECT_EQ(server.viewers(), Names{});
}

TEST(LateReport, IsRefusedWhenItIsOlderThanWhatIsTaken) {
  Server server;
  Report late = server.say(State::kPlaying);
  late.at = server.now() - ShardOptions{}.late_limit_ms - 1;
  const auto refusal = server.refusal_of(late);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->error.code, Errc::kUnprocessable);
  late.at = late.at + 2;
  EXPECT_FALSE(server.refusal_of(late));
}

}  // namespace
}  // namespace playhead::testing
