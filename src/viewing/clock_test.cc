// Effective times: whose clock counts, and when. design.md, "One idea".
#include <gtest/gtest.h>

#include "viewing/viewing_test_kit.h"

namespace playhead {
namespace {

using namespace testing;

TEST(Clock, OffsetIsZeroUpToSixtySecondsEitherWay) {
  EXPECT_EQ(clock_offset(std::nullopt, at(0)), 0);
  EXPECT_EQ(clock_offset(at(0), at(0)), 0);
  EXPECT_EQ(clock_offset(at(0), at(60)), 0);
  EXPECT_EQ(clock_offset(at(60), at(0)), 0);
}

TEST(Clock, OffsetIsArrivalMinusSentBeyondSixtySeconds) {
  EXPECT_EQ(clock_offset(at(0), at(60) + 1), 60'001);
  EXPECT_EQ(clock_offset(at(60) + 1, at(0)), -60'001);
}

TEST(Clock, OffsetIsFixedByTheFirstReportOfAView) {
  Player player;
  Report first = say(State::kPlaying, -3600, sec(0));
  first.sent_at = first.at;
  player.tell(first, at(0));
  EXPECT_EQ(player.view.cursor.at, at(0));
  Report second = say(State::kPlaying, -3590, sec(10));
  second.sent_at = at(10);  // the device has set its clock right; the view goes on as it began
  player.tell(second, at(10));
  EXPECT_EQ(player.view.cursor.at, at(10));
  EXPECT_EQ(player.view.clock_offset, kHour);
}

TEST(Clock, NeverPutsAReportAheadOfItsArrival) {
  Player player;
  player.tell(say(State::kPlaying, 50, sec(0)), at(0));
  EXPECT_EQ(player.view.cursor.at, at(0));
}

TEST(Clock, PutsADeviceThatRunsAheadBackToWhenItPlayed) {
  Player player;
  Report report = say(State::kPlaying, 7200, sec(0));
  report.sent_at = at(7230);
  player.tell(report, at(30));
  EXPECT_EQ(player.view.cursor.at, at(0));
}

TEST(Clock, PutsAnOfflineDevicesReportsWhereTheyBelongThoughItsClockIsWrong) {
  // A tablet, two days offline and three hours slow, uploads 40 minutes that it played yesterday.
  constexpr double kDay = 86'400, kSlow = 3 * 3600;
  Player tablet("tablet-view", "tablet");
  for (double when = 0; when <= 2400; when += 10) {
    Report report = say(State::kPlaying, kDay + when - kSlow, sec(when));
    report.sent_at = at(2 * kDay - kSlow);
    tablet.tell(report, at(2 * kDay));
  }
  EXPECT_EQ(tablet.view.start, at(kDay));
  EXPECT_EQ(tablet.view.moved, at(kDay + 2400));
  EXPECT_EQ(tablet.view.playhead, sec(2400));
}

TEST(Clock, ShiftsTheStartByTheSameOffset) {
  Player player;
  Report report = say(State::kPlaying, -3600, sec(600));
  report.sent_at = report.at;
  report.started_at = at(-4200);
  player.tell(report, at(0));
  EXPECT_EQ(player.view.start, at(-600));
}

}  // namespace
}  // namespace playhead
