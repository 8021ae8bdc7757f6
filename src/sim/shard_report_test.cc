// What a shard makes of reports: whose view they are, what it refuses, what memory and store hold.
#include <gtest/gtest.h>

#include "sim/shard_test_kit.h"

namespace playhead::testing {
namespace {

using Names = std::vector<std::string>;

sim::FaultOptions always(std::initializer_list<sim::Fault> faults) {
  sim::FaultOptions out;
  for (const sim::Fault fault : faults) out.of(fault) = 1'000;
  return out;
}

TEST(ViewConflict, RefusesAReportThatNamesAnotherProfileTitleKindOrRecord) {
  Server server;
  server.tell(server.say(State::kPlaying));
  const auto conflict = [&](auto change) {
    Report report = server.say(State::kStopped);
    change(report);
    const auto refusal = server.refusal_of(report);
    EXPECT_TRUE(refusal && refusal->error.code == Errc::kConflict);
    return refusal ? refusal->error.detail : "";
  };
  EXPECT_NE(conflict([](Report& it) { it.profile = "p2"; }).find("profile"), std::string::npos);
  EXPECT_NE(conflict([](Report& it) { it.title = "title-2"; }).find("title"), std::string::npos);
  EXPECT_NE(conflict([](Report& it) { it.kind = Kind::kLive; }).find("kind"), std::string::npos);
  EXPECT_NE(conflict([](Report& it) { it.record = false; }).find("record"), std::string::npos);
  EXPECT_EQ(server.viewers(), Names{"v1"}) << "none of them stopped it";
}

TEST(ViewConflict, IsAlsoFoundInAViewThatOnlyTheStoreKnows) {
  Server server;
  server.tell(server.say(State::kStopped));
  ASSERT_TRUE(server.checkpoint());
  server.pass(kMinute);
  ASSERT_EQ(server.shard().figures().views_in_memory, 0u);
  Report other = server.say(State::kPlaying);
  other.title = "title-2";
  const auto refusal = server.refusal_of(other);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->error.code, Errc::kConflict);
}

TEST(Cmcd, GoesOnToTheNextTitleInAViewNamedAfterSessionAndTitle) {
  Server server;
  Report first = server.say(State::kPlaying, "session");
  first.cmcd = true;
  server.tell(first);
  server.pass(kSecond);
  Report next = server.say(State::kPlaying, "session");
  next.cmcd = true;
  next.title = "title-2";
  EXPECT_EQ(server.tell(next).accepted, 1u);
  const Names both = server.viewers();
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[0], "session");
  EXPECT_TRUE(both[1].starts_with("session~")) << both[1];
  EXPECT_EQ(server.view(both[1]).item.title, "title-2");
  // The same session and title are the same view again, also after a restart.
  server.crash();
  server.pass(kSecond);
  next.at = server.now();
  next.state = State::kStopped;
  EXPECT_EQ(server.tell(next).accepted, 1u);
  EXPECT_EQ(server.viewers(), Names{"session"});
  EXPECT_EQ(server.history().size(), 2u);
}

TEST(Cmcd, KeepsTheNameOfTheNextTitlesViewWithinTheLengthOfAnId) {
  Server server;
  const std::string session(kIdBytesMax, 's');
  for (const std::string_view title : {"title-1", "title-2"}) {
    Report report = server.say(State::kPlaying, session);
    report.cmcd = true;
    report.title = title;
    EXPECT_EQ(server.tell(report).accepted, 1u);
  }
  for (const std::string& view : server.viewers()) EXPECT_EQ(view.size(), kIdBytesMax);
  EXPECT_EQ(server.viewers().size(), 2u);
}

TEST(Repeat, IsAcceptedAndChangesNothing) {
  Server server;
  const Report report = server.say(State::kPlaying);
  EXPECT_EQ(server.tell({report, report}).accepted, 2u);
  EXPECT_EQ(server.shard().figures().repeats, 1u);
  EXPECT_EQ(server.history(), Names{"v1"});
}

TEST(Series, IsTheLatestThatWasNamedAlsoWhereItWasNamedTwice) {
  Server server;
  Report first = server.say(State::kPlaying);
  first.series = "right";
  server.tell(first);
  server.pass(2 * kSecond);
  Report wrong = server.say(State::kPlaying);
  wrong.series = "wrong";
  server.pass(2 * kSecond);
  Report again = server.say(State::kPlaying);
  again.series = "right";
  server.tell(again);
  server.tell(wrong);  // comes late: it was said in between
  EXPECT_EQ(server.view("v1").item.series, "right");
}

TEST(Memory, LetsGoOfAnEndedViewOnceTheStoreHasItAndFindsItAgain) {
  Server server;
  server.play("v1", 0, kMinute);
  server.tell(server.say(State::kStopped));
  server.pass(kMinute);
  EXPECT_EQ(server.shard().figures().views_in_memory, 1u) << "the store does not have it yet";
  ASSERT_TRUE(server.checkpoint());
  EXPECT_EQ(server.shard().figures().views_in_memory, 0u);
  EXPECT_EQ(server.shard().figures().accounts_in_memory, 0u);
  EXPECT_EQ(server.position(), kMinute);
  server.tell(server.say(State::kPlaying));
  EXPECT_EQ(server.viewers(), Names{"v1"}) << "reopened";
  EXPECT_EQ(server.view("v1").item.playhead, kMinute);
}

TEST(Memory, HoldsNoMoreViewsThanItsLimits) {
  ShardOptions options;
  options.views_max = 3;
  options.account_views_max = 2;
  Server server(options);
  for (const std::string_view view : {"v1", "v2"})
    ASSERT_FALSE(server.refusal_of(server.say(State::kPlaying, view)));
  const auto too_many = server.refusal_of(server.say(State::kPlaying, "v3"));
  ASSERT_TRUE(too_many);
  EXPECT_EQ(too_many->error.code, Errc::kOverloaded);
  EXPECT_FALSE(server.refusal_of(server.say(State::kPaused, "v1"))) << "known ones go on";
  Report other = server.say(State::kPlaying, "v3");
  other.account = "acct-2";
  EXPECT_FALSE(server.refusal_of(other));
  other.account = "acct-3";
  const auto full = server.refusal_of(other);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->error.code, Errc::kOverloaded);
  EXPECT_EQ(server.shard().figures().views_in_memory, 3u);
  EXPECT_EQ(server.shard().figures().accounts_in_memory, 2u) << "the refused left nothing behind";
}

TEST(StoreFailure, IsNoProofThatAViewIsNotThere) {
  Server server({}, always({sim::Fault::kStoreMiss, sim::Fault::kFailedRead}));
  server.play("v1", 0, kMinute);
  server.tell(server.say(State::kStopped));
  ASSERT_TRUE(server.checkpoint());
  server.pass(kMinute);
  server.tell(server.say(State::kPlaying, "v2"));  // the account is in memory, v1 is not
  ASSERT_EQ(server.shard().figures().views_in_memory, 1u);
  server.fail(true);
  const Report report = server.say(State::kPaused);
  Report next = report;
  next.sequence = 2;
  const BatchOutcome outcome = server.tell({report, next});
  server.fail(false);
  EXPECT_EQ(outcome.accepted, 0u);
  ASSERT_EQ(outcome.rejected.size(), 2u);
  for (const Rejected& rejected : outcome.rejected)
    EXPECT_EQ(rejected.error.code, Errc::kUnavailable);
  EXPECT_EQ(server.view("v1").item.playhead, kMinute);
}

TEST(StoreFailure, LeavesWhatWasNotWrittenInMemoryAndJournal) {
  Server server({}, always({sim::Fault::kFailedWrite}));
  server.play("v1", 0, kMinute);
  server.tell(server.say(State::kStopped));
  const FrameNumber low = server.shard().low_water();
  server.fail(true);
  EXPECT_FALSE(server.checkpoint());
  server.fail(false);
  EXPECT_EQ(server.shard().low_water(), low);
  server.pass(kMinute);
  EXPECT_EQ(server.position(), kMinute);
  server.crash();
  EXPECT_EQ(server.position(), kMinute);
  EXPECT_TRUE(server.checkpoint());
  EXPECT_GT(server.shard().low_water(), low);
  EXPECT_EQ(server.position(), kMinute);
}

// The first report of the batch has to wait for its account, which comes from memory at once, and
// is a repeat: nothing of the batch is in the journal's way yet. The second one must be.
TEST(Parked, DoNotAnswerForWhatComesBehindThemInTheirBatch) {
  Server server({}, always({sim::Fault::kSlowSync, sim::Fault::kLostUnsynced}));
  const Report first = server.say(State::kPlaying);
  server.tell(first);
  server.pass(10 * kSecond);
  Report repeated = server.say(State::kPlaying);
  repeated.playhead = 10'000;
  repeated.started_at = first.at - kMinute;
  server.tell(repeated);
  server.crash();  // the account is to be read anew

  server.pass(10 * kSecond);
  Report fresh = server.say(State::kPlaying);
  fresh.playhead = 20'000;
  server.fail(true);
  const Instant before = server.now();
  const Result<BatchOutcome> outcome = server.answer(server.submit({repeated, fresh}));
  EXPECT_GT(server.now(), before) << "it is answered after the sync, which is slow here";
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->accepted, 2u);
  server.crash();
  EXPECT_EQ(server.view("v1").item.playhead, 20'000);
}

TEST(Parked, AreNoMoreThanTheirLimitWhileTheStoreIsRead) {
  ShardOptions options;
  options.parked_max = 2;
  Server server(options, always({sim::Fault::kStoreMiss}));
  server.fail(true);
  const BatchOutcome outcome =
      server.tell({server.say(State::kPlaying, "v1"), server.say(State::kPlaying, "v2"),
                   server.say(State::kPlaying, "v3")});
  server.fail(false);
  EXPECT_EQ(outcome.accepted, 2u);
  ASSERT_EQ(outcome.rejected.size(), 1u);
  EXPECT_EQ(outcome.rejected[0].index, 2u);
  EXPECT_EQ(outcome.rejected[0].error.code, Errc::kOverloaded);
  EXPECT_EQ(server.viewers(), (Names{"v1", "v2"}));
}

TEST(FullJournal, RefusesWhatIsNewAndLosesNothing) {
  ShardOptions options;
  options.journal_bytes_max = 4'000;
  Server server(options);
  int taken = 0;
  for (;; ++taken) {
    ASSERT_LT(taken, 1'000);
    Report report = server.say(State::kPlaying);
    report.playhead = taken;
    const auto refusal = server.refusal_of(report);
    if (refusal) {
      EXPECT_EQ(refusal->error.code, Errc::kOverloaded);
      break;
    }
    server.pass(kSecond);
  }
  EXPECT_GT(taken, 10);
  EXPECT_EQ(server.put(server.say(State::kPlaying, "v2")).error().error.code, Errc::kOverloaded);
  const auto marked = server.act({.title = "title-1", .at = server.now(), .watched = true});
  ASSERT_FALSE(marked);
  EXPECT_EQ(marked.error().code, Errc::kOverloaded);
  EXPECT_EQ(server.view("v1").item.playhead, taken - 1) << "the last one that was taken";
  ASSERT_TRUE(server.checkpoint());
  server.pass(kSecond);
  EXPECT_FALSE(server.refusal_of(server.say(State::kPaused)));
  EXPECT_TRUE(server.put(server.say(State::kPlaying, "v2")));
}

TEST(FailedSync, RefusesAllThatWaitsAndAllThatComesAndStopsTheServer) {
  Server server({}, always({sim::Fault::kFailedSync}));
  server.fail(true);
  Submission in_flight = server.submit({server.say(State::kPlaying, "v1")});
  Submission in_the_open_frame = server.submit({server.say(State::kPlaying, "v2")});
  EXPECT_FALSE(server.stopped());
  for (Submission* submission : {&in_flight, &in_the_open_frame}) {
    const auto answer = server.answer(std::move(*submission));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kUnavailable);
  }
  EXPECT_TRUE(server.stopped());
  server.fail(false);
  EXPECT_FALSE(server.answer(server.submit({server.say(State::kPlaying, "v3")})));
  EXPECT_FALSE(server.put(server.say(State::kPlaying, "v4")));
  server.crash();
  EXPECT_EQ(server.viewers(), Names{}) << "what was not synced is gone";
}

TEST(Report, IsRefusedUnappliedWhileTheDiskIsTooFarBehind) {
  ShardOptions options;
  options.frame_records_max = 1;
  options.waiting_frames_max = 2;
  Server server(options);
  std::vector<Report> reports;
  for (const char* view : {"v1", "v2", "v3"}) reports.push_back(server.say(State::kPlaying, view));
  std::vector<Submission> waiting;  // each fills a frame, of which none is synced yet
  for (const Report& report : reports) waiting.push_back(server.submit({report}));
  EXPECT_TRUE(server.answer(std::move(waiting[0]))->rejected.empty());
  EXPECT_TRUE(server.answer(std::move(waiting[1]))->rejected.empty());
  const Result<BatchOutcome> third = server.answer(std::move(waiting[2]));
  ASSERT_EQ(third->rejected.size(), 1u);
  EXPECT_EQ(third->rejected.front().error.code, Errc::kOverloaded);
  EXPECT_EQ(server.viewers(), (std::vector<std::string>{"v1", "v2"}));
  EXPECT_FALSE(server.refusal_of(reports[2])) << "the disk has caught up";
}

}  // namespace
}  // namespace playhead::testing
