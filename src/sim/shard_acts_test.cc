// What is done to views by will: starts under a limit, take-overs, terminations, deletions; and the
// streams that tell of it.
#include <gtest/gtest.h>

#include "sim/shard_test_kit.h"

namespace playhead::testing {
namespace {

using Names = std::vector<std::string>;
using Event = ViewersEvent::Kind;

TEST(Start, EndsTheFormerViewOfItsDevice) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv")));
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v2", "phone")));
  server.pass(kSecond);
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v3", "tv")));
  EXPECT_EQ(server.viewers(), (Names{"v2", "v3"}));
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kReplaced);
  EXPECT_EQ(server.view("v1").ended_by, "tv");
  server.crash();
  EXPECT_EQ(server.viewers(), (Names{"v2", "v3"}));
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kReplaced);
}

TEST(Start, EndsNoFormerViewIfItsDeviceIsNotNamed) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "")));
  server.pass(kSecond);
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v2", "")));
  EXPECT_EQ(server.viewers(), (Names{"v1", "v2"}));
}

TEST(Start, LetsAReplacedViewPlayOnWhenItsPlayerSaysSo) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv")));
  server.pass(kSecond);
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v2", "tv")));
  server.tell(server.say(State::kPaused, "v1", "tv"));
  EXPECT_EQ(server.viewers(), Names{"v2"});
  server.pass(kSecond);
  server.tell(server.say(State::kPlaying, "v1", "tv"));
  EXPECT_EQ(server.viewers(), (Names{"v1", "v2"}));
}

// A phone that was offline in the train sends what was watched there, when something else plays.
TEST(Start, ThatIsLateIsInNobodysWay) {
  Server server;
  server.pass(kMinute);
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "phone"), 1));
  Report late = server.say(State::kStarting, "v0", "phone");
  late.at = server.now() - 40 * kSecond;
  const auto taken = server.put(late, 1);
  ASSERT_TRUE(taken);
  EXPECT_FALSE(taken->created);
  late.device = "tv";
  late.view = "v2";
  EXPECT_TRUE(server.put(late, 1)) << "it plays no more, so the limit is none of its business";
  EXPECT_EQ(server.viewers(), Names{"v1"});
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kNone);
}

TEST(Limit, RefusesAStartAndNamesTheViewsInTheWay) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv"), 2));
  server.pass(kSecond);
  server.tell(server.say(State::kPlaying, "v2", "phone"));  // counts, though not started by PUT
  const auto refused = server.put(server.say(State::kPlaying, "v3", "tablet"), 2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, Errc::kLimitReached);
  Names in_the_way;
  for (const ViewerItem& item : refused.error().in_the_way) in_the_way.push_back(item.view);
  std::ranges::sort(in_the_way);
  EXPECT_EQ(in_the_way, (Names{"v1", "v2"}));
  EXPECT_EQ(server.viewers(), (Names{"v1", "v2"}));
  EXPECT_EQ(server.history().size(), 2u) << "the refused start left nothing behind";
}

TEST(Limit, CountsNeitherTheViewItselfNorItsDevicesFormerOneNorAnEnd) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv"), 1));
  server.pass(kSecond);
  const auto report = server.put(server.say(State::kPaused, "v1", "tv"), 1);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->created);
  EXPECT_TRUE(server.put(server.say(State::kStopped, "v9", "phone"), 1)) << "an end starts nothing";
  const auto start = server.put(server.say(State::kPlaying, "v2", "tv"), 1);
  ASSERT_TRUE(start);
  EXPECT_TRUE(start->created);
  EXPECT_EQ(server.viewers(), Names{"v2"});
}

// Reports start views whatever the limit: those that ask have its places.
TEST(Limit, HasPlacesForAsManyOfThoseWhoPlayAlready) {
  Server server;
  for (const char* view : {"v1", "v2", "v3"}) server.tell(server.say(State::kPlaying, view, view));
  const auto has_place = [&](const char* view, unsigned limit) {
    const auto put = server.put(server.say(State::kPlaying, view, view), limit);
    EXPECT_TRUE(put && !put->created);
    return put && put->checked;
  };
  EXPECT_TRUE(has_place("v3", 2));
  EXPECT_TRUE(has_place("v1", 2));
  EXPECT_FALSE(has_place("v2", 2));
  server.crash();
  EXPECT_FALSE(has_place("v2", 2));
  EXPECT_TRUE(has_place("v1", 1)) << "it has one";
  server.tell(server.say(State::kStopped, "v3", "v3"));
  server.pass(kSecond);
  EXPECT_TRUE(has_place("v2", 2));
  server.tell(server.say(State::kPlaying, "v3", "v3"));
  EXPECT_FALSE(has_place("v3", 2)) << "its place went with its end";
}

// The journal does not say that it fell silent.
TEST(Limit, GivesNoPlaceBackInAReplay) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv"), 1));
  server.pass(32 * kSecond);
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v2", "phone"), 1));
  server.tell(server.say(State::kPlaying, "v1", "tv"));
  server.crash();
  const auto has_place = [&](const char* view, const char* device) {
    const auto put = server.put(server.say(State::kPlaying, view, device), 1);
    EXPECT_TRUE(put);
    return put && put->checked;
  };
  EXPECT_FALSE(has_place("v1", "tv"));
  EXPECT_TRUE(has_place("v2", "phone"));
}

TEST(Limit, HasRoomAgainWhenAViewHasFallenSilent) {
  Server server;
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv"), 1));
  server.pass(20 * kSecond);
  EXPECT_FALSE(server.put(server.say(State::kPlaying, "v2", "phone"), 1));
  server.pass(12 * kSecond);
  EXPECT_TRUE(server.put(server.say(State::kPlaying, "v2", "phone"), 1));
}

TEST(TakeOver, EndsTheNamedViewForGoodAndTellsItsPlayerWhoDidIt) {
  Server server;
  server.play("v1", 0, kMinute);
  const auto taken = server.put(server.say(State::kPlaying, "v2", "phone"), 1, "v1");
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->created);
  EXPECT_EQ(server.viewers(), Names{"v2"});
  for (int i = 0; i < 2; ++i) {
    server.pass(kSecond);
    const auto told = server.refusal_of(server.say(State::kPlaying, "v1", "tv"));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->error.code, Errc::kTerminated);
    EXPECT_EQ(told->ended_by, "phone");
    const auto put = server.put(server.say(State::kPlaying, "v1", "tv"), 1);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().error.code, Errc::kTerminated);
    EXPECT_EQ(put.error().ended_by, "phone");
    server.crash();
  }
  EXPECT_EQ(server.viewers(), Names{"v2"});
  EXPECT_EQ(server.position(), kMinute) << "its last position is kept";
}

TEST(TakeOver, HelpsAViewThatPlaysWithoutAPlace) {
  Server server;
  server.tell(server.say(State::kPlaying, "v1", "tv"));
  server.tell(server.say(State::kPlaying, "v2", "phone"));
  ASSERT_TRUE(server.put(server.say(State::kPlaying, "v1", "tv"), 1)->checked);
  const auto taken = server.put(server.say(State::kPlaying, "v2", "phone"), 1, "v1");
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->checked);
  EXPECT_EQ(server.viewers(), Names{"v2"});
}

TEST(TakeOver, DoesNotHelpWhereMoreThanTheNamedViewIsInTheWay) {
  Server server;
  server.tell(server.say(State::kPlaying, "v1", "tv"));
  server.tell(server.say(State::kPlaying, "v2", "phone"));
  EXPECT_FALSE(server.put(server.say(State::kPlaying, "v3", "tablet"), 1, "v1"));
  EXPECT_EQ(server.viewers(), (Names{"v1", "v2"})) << "a refused start ends nobody";
}

TEST(Termination, IsNotFoundForAViewThatNeverWas) {
  Server server;
  const auto ended = server.terminate("v1", "phone");
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Errc::kNotFound);
  EXPECT_EQ(server.shard().figures().accounts_in_memory, 0u);
}

TEST(Termination, TakesWhatWasReportedBeforeItAndRefusesTheRest) {
  Server server;
  server.play("v1", 0, kMinute);
  Report before = server.say(State::kPlaying, "v1");
  before.playhead = 61 * kSecond;
  server.pass(kSecond);
  before.at = server.now();
  server.pass(kSecond);
  ASSERT_TRUE(server.terminate("v1", "phone"));
  server.pass(kSecond);
  EXPECT_FALSE(server.refusal_of(before)) << "an earlier report that comes late";
  EXPECT_EQ(server.position(), 61 * kSecond);
  EXPECT_TRUE(server.refusal_of(server.say(State::kStopped, "v1")));
  EXPECT_EQ(server.viewers(), Names{});
  EXPECT_EQ(server.view("v1").end_reason, EndReason::kTerminated);
}

TEST(Deletion, ClearsThePositionAndDropsLaterReports) {
  Server server;
  server.play("v1", 0, kMinute);
  ASSERT_EQ(server.position(), kMinute);
  ASSERT_TRUE(server.erase("v1"));
  const auto gone = [&](const char* when) {
    EXPECT_EQ(server.position(), std::nullopt) << when;
    EXPECT_EQ(server.history(), Names{}) << when;
  };
  gone("after the deletion");
  server.pass(kSecond);
  server.play("v1", 2 * kMinute, kMinute);
  EXPECT_EQ(server.viewers(), Names{"v1"}) << "its player is still watching";
  gone("after later reports");
  server.crash();
  gone("after a restart");
  ASSERT_TRUE(server.checkpoint());
  server.crash();
  gone("after a checkpoint and a restart");
  const auto again = server.erase("v1");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kNotFound);
}

TEST(Stream, BeginsWithASnapshotAndTellsOfStartsChangesAndEndsAtOnce) {
  Server server;
  server.tell(server.say(State::kPlaying, "v1", "tv"));
  const auto channel = server.stream(16);
  ASSERT_TRUE(channel);
  auto events = server.read(**channel);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, Event::kSnapshot);
  ASSERT_EQ(events[0].items.size(), 1u);
  EXPECT_EQ(events[0].items[0].view, "v1");
  server.tell({server.say(State::kPlaying, "v2", "phone"), server.say(State::kPaused, "v1", "tv")});
  events = server.read(**channel);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].items.at(0).view, "v2");
  EXPECT_EQ(events[1].items.at(0).state, State::kPaused);
  server.tell(server.say(State::kStopped, "v2", "phone"));
  ASSERT_TRUE(server.terminate("v1", "op"));
  events = server.read(**channel);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, Event::kEnd);
  EXPECT_EQ(events[0].view, "v2");
  EXPECT_EQ(events[0].end_reason, EndReason::kStopped);
  EXPECT_EQ(events[1].view, "v1");
  EXPECT_EQ(events[1].end_reason, EndReason::kTerminated);
}

TEST(Stream, TellsOfPositionsOnceASecond) {
  Server server;
  server.tell(server.say(State::kPlaying));
  server.pass(kSecond);
  const auto channel = server.stream(64);
  ASSERT_TRUE(channel);
  server.read(**channel);
  for (Playhead playhead = 0; playhead < 5 * kSecond; playhead += 50) {
    Report report = server.say(State::kPlaying);
    report.playhead = playhead;
    server.tell(report);
    server.pass(50);
  }
  const auto events = server.read(**channel);
  EXPECT_GE(events.size(), 5u);
  EXPECT_LE(events.size(), 7u);
  for (const ViewersEvent& event : events) EXPECT_EQ(event.kind, Event::kView);
}

TEST(Stream, TellsOfAViewThatFellSilent) {
  Server server;
  server.tell(server.say(State::kPlaying));
  const auto channel = server.stream(16);
  ASSERT_TRUE(channel);
  server.pass(32 * kSecond);
  const auto events = server.read(**channel);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back().kind, Event::kEnd);
  EXPECT_EQ(events.back().end_reason, EndReason::kExpired);
}

TEST(Stream, IsDroppedWhenItsReaderIsSlowAndTheNextBeginsAfresh) {
  Server server;
  const auto slow = server.stream(4);
  const auto quick = server.stream(4);
  ASSERT_TRUE(slow && quick);
  for (const std::string_view view : {"v1", "v2", "v3", "v4", "v5"}) {
    server.tell(server.say(State::kPlaying, view, view));
    EXPECT_FALSE(server.read(**quick).empty());
  }
  EXPECT_TRUE((*slow)->dropped());
  EXPECT_FALSE((*quick)->dropped()) << "the others lose nothing by it";
  EXPECT_EQ(server.shard().figures().streams, 1u);
  EXPECT_EQ(server.shard().figures().streams_dropped, 1u);
  const auto fresh = server.stream(4);
  ASSERT_TRUE(fresh);
  const auto events = server.read(**fresh);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].items.size(), 5u);
}

TEST(Stream, IsRefusedBeyondTheAccountsLimitUntilOneIsClosed) {
  ShardOptions options;
  options.subscribers_max = 2;
  Server server(options);
  const auto first = server.stream(4), second = server.stream(4);
  ASSERT_TRUE(first && second);
  const auto third = server.stream(4);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Errc::kOverloaded);
  (*first)->close();
  EXPECT_TRUE(server.stream(4));
}

TEST(Stream, LetsItsAccountLeaveMemoryOnceItIsClosed) {
  Server server;
  const auto channel = server.stream(10);
  ASSERT_TRUE(channel);
  EXPECT_EQ(server.shard().figures().streams, 1u);
  EXPECT_EQ(server.shard().figures().accounts_in_memory, 1u);
  (*channel)->close();
  server.shard().forget_closed(kAccount);
  EXPECT_EQ(server.shard().figures().streams, 0u);
  EXPECT_EQ(server.shard().figures().accounts_in_memory, 0u);
}

}  // namespace
}  // namespace playhead::testing
