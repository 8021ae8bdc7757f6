// What a next owner makes of what others took, and of what his predecessor answered.
#include "sim/node_test_kit.h"

namespace playhead::testing {
namespace {

class TakingOver : public NodeTest {};

// Paused for longer than its lease lasts, it is asked before it has noticed.
TEST_F(TakingOver, HasViewsForOthersTheMomentItsLeaseIsOver) {
  watch(0);
  run(kMinute);
  ASSERT_EQ(undrained(), 0u);
  fresh_.withdraw();
  EXPECT_EQ(undrained(), 1u);
}

// Who is not the owner knows no deadlines: nothing falls silent there.
TEST_F(TakingOver, EndsNoViewThatIsSomebodyElses) {
  replace();
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kFailed; };
  is_unstored(State::kPlaying, timeline_.now());
  is_unstored(State::kPaused, timeline_.now());
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kAnswered; };
  run(kHeartbeat);
  ASSERT_FALSE(table_.empty());
  own_all();
  fold_inbox();
  EXPECT_EQ(watching(), 1u);
}

// Of what came in meanwhile its next owner knows when it was said.
TEST_F(TakingOver, CountsSilenceFromWhatOthersHeard) {
  is_unstored(State::kPlaying, timeline_.now());
  replace();
  is_unstored(State::kPlaying, timeline_.now());
  run(2 * kHeartbeat);
  own_all();
  EXPECT_EQ(watching(), 1u);
  fold_inbox();
  run(kHeartbeat - 2 * kSecond);
  EXPECT_EQ(watching(), 1u);
  run(2 * kSecond);
  EXPECT_EQ(watching(), 0u);
}

// What the store says is late enough for its player to be heard of.
TEST_F(TakingOver, GivesNoTimeToThoseWhoHaveSome) {
  is_unstored(State::kPlaying, timeline_.now());
  run(kHeartbeat / 2);
  replace();
  own_all();
  run(kExpiry - kHeartbeat / 2 - 2 * kSecond);
  EXPECT_EQ(watching(), 1u);
  run(2 * kSecond);
  EXPECT_EQ(watching(), 0u);
}

// A pause that was acknowledged as stored, by another, leaves the inbox for the store, though by
// now its view plays on.
TEST_F(TakingOver, StoresWhatItsOwnHeartbeatsHaveGoneBeyond) {
  watch(0);
  run(kClusterCheckpointMs + kMinute);
  silent_ = true;  // what the store has of it has qualified: the pause brings nothing else
  replace();
  const Instant paused = timeline_.now();
  ASSERT_FALSE(is_unstored(State::kPaused, paused));
  own_all();
  is_unstored(State::kPlaying, timeline_.now());
  fold_inbox();
  replace();
  const auto answer = process_->run(0, process_->service().view({kProfile.tenant, "0"}, "v"));
  ASSERT_TRUE(answer.has_value()) << answer.error().detail;
  EXPECT_GE(answer->value.item.at, paused);
}

// Who was let in while nobody could look asks again. A place lasts as long as its view plays, and
// goes with the account to its next owner.
TEST_F(TakingOver, GivesPlacesToThoseWhoWereLetInUnchecked) {
  using Views = std::vector<std::string_view>;
  ASSERT_EQ(placed({"before"}), Views{"before"});
  replace();
  EXPECT_EQ(placed({"a", "before", "b", "c"}), Views{}) << "nobody can look";
  own_all();
  EXPECT_EQ(placed({"b"}), Views{"b"}) << "as far as its owner knows";
  EXPECT_TRUE(start("c").has_value()) << "it was let in, which its owner does not know yet";
  fold_inbox();
  EXPECT_FALSE(start("late").has_value()) << "four are watching";
  EXPECT_EQ(placed({"a", "b", "c", "before"}), (Views{"b", "before"})) << "these were told so";
  replace();
  own_all();
  EXPECT_EQ(placed({"a", "b", "c", "before"}), (Views{"b", "before"}));
  EXPECT_FALSE(is_unstored(State::kStopped, timeline_.now(), "b"));
  EXPECT_EQ(placed({"c", "a", "before"}), (Views{"c", "before"}));
}

// Its former owner said "checked" to none of what only his journal has.
TEST_F(TakingOver, GivesNoPlaceByWhatWasNotAnswered) {
  using Views = std::vector<std::string_view>;
  rows_.set_write_ms(kMinute);
  ask_to_start("lost", [](const Put&) { FAIL() << "answered"; });
  run(kSecond / 10);
  restart();
  rows_.set_write_ms(0);
  EXPECT_EQ(placed({"a", "b"}), Views{}) << "nobody can look";
  own_all();
  fold_inbox();
  EXPECT_EQ(watching(), 3u);
  EXPECT_EQ(placed({"a", "b", "lost"}), (Views{"a", "b"}));
}

// A view that has fallen silent is over in memory alone, until a sweep. Who gets its place is
// stored with that.
TEST_F(TakingOver, FindsNoMorePlacesTakenThanThereAre) {
  using Views = std::vector<std::string_view>;
  ASSERT_EQ(placed({"silent", "a"}), (Views{"silent", "a"}));
  run(2 * kHeartbeat);
  ASSERT_EQ(placed({"a"}), Views{"a"});
  run(kHeartbeat);
  ASSERT_EQ(placed({"b"}), Views{"b"});
  replace();
  own_all();
  fold_inbox();
  EXPECT_EQ(placed({"silent", "a", "b"}), (Views{"a", "b"}));
}

// The inbox has the start, but no places.
TEST_F(TakingOver, KeepsAPlaceThatWasGivenWhileTheLeaseWasInDoubt) {
  using Views = std::vector<std::string_view>;
  fresh_.withdraw();
  ASSERT_EQ(placed({"v"}), Views{});
  own_all();
  ASSERT_EQ(placed({"v"}), Views{"v"});
  replace();
  ASSERT_EQ(placed({"a", "b"}), Views{}) << "nobody can look";
  own_all();
  fold_inbox();
  EXPECT_EQ(placed({"a", "b", "v"}), (Views{"a", "v"}));
}

// It is watching: its report is taken, whatever becomes of its place.
TEST_F(TakingOver, TakesTheReportOfWhoAsksWhileTheStoreIsAway) {
  ASSERT_FALSE(is_unstored(State::kPlaying, timeline_.now()));
  rows_.set_away(true);
  const auto put = start("v");
  ASSERT_TRUE(put.has_value()) << put.error().error.detail;
  EXPECT_FALSE(put->checked);
  EXPECT_TRUE(put->unstored);
  rows_.set_away(false);
  run(2 * kSecond);
  EXPECT_EQ(placed({"v"}), std::vector<std::string_view>{"v"});
}

// Its journal may tell that the view went on: what a next owner says of its silence is no end for
// the one after him, who would answer as if nothing could be missing.
TEST_F(TakingOver, IsNotSureOfAnEndBeforeAllJournalsAreRead) {
  ASSERT_FALSE(is_unstored(State::kPlaying, timeline_.now()));
  for (int owner = 0; owner < 3; ++owner) {
    replace();
    own_all();
    fold_inbox();
    EXPECT_TRUE(is_stale());
    run(5 * kMinute);
    EXPECT_EQ(watching(), 0u);
  }
  process_->shards().shard(0).drained(timeline_.monotonic_ms());
  fold_inbox();
  EXPECT_FALSE(is_stale());
  run(5 * kMinute);
  const auto stored = decode_view(rows_.now().views.begin()->second);
  ASSERT_TRUE(stored.has_value());
  EXPECT_FALSE(stored->active);
}

// Nobody knows the view before a look into the inbox: all else that has changed in its slot would
// keep it from there for as long as a checkpoint takes.
TEST_F(TakingOver, TakesWhatIsNotWholeToTheInboxByItself) {
  ASSERT_FALSE(is_unstored(State::kPlaying, timeline_.now()));
  rows_.set_away(true);
  ASSERT_TRUE(is_unstored(State::kPaused, timeline_.now()));
  ASSERT_TRUE(is_unstored(State::kPlaying, timeline_.now(), "w"));
  run(2 * kSecond);
  EXPECT_EQ(table_.size(), 1u);
}

// Who can't read the inbox does not let everybody in for ever.
TEST_F(TakingOver, RefusesAgainThoughItCouldNotLook) {
  ASSERT_EQ(placed({"a", "b"}).size(), 2u);
  replace();
  own_all();
  const auto at_first = start("c");
  ASSERT_TRUE(at_first.has_value());
  EXPECT_FALSE(at_first->checked);
  run(5 * kSecond);
  EXPECT_FALSE(start("d").has_value());
}

}  // namespace
}  // namespace playhead::testing
