// How many reports the tier in memory takes for each row that it writes, by the virtual clock.
#include <cstdio>

#include "service/direct_inbox.h"
#include "sim/node_test_kit.h"

namespace playhead::testing {
namespace {

class Absorption : public NodeTest {};

TEST_F(Absorption, TakesAtLeastFiveReportsForEachRowItWrites) {
  for (int view = 0; view < kViews; ++view) watch(view);
  run(kStartsWithin + kPlayed + kPaused + 10 * kMinute);
  ASSERT_EQ(acknowledged_, reports_);
  ASSERT_TRUE(table_.empty()) << "the inbox would be rows, too";
  const double ratio = static_cast<double>(reports_) / static_cast<double>(rows_.changed());
  std::printf("%llu reports, %llu rows: %.2f reports for a row\n",
              static_cast<unsigned long long>(reports_),
              static_cast<unsigned long long>(rows_.changed()), ratio);
  EXPECT_GE(ratio, 5.0);
}

// Heartbeats reach the views' rows only: whoever reads lays these over titles and history.
TEST_F(Absorption, LeavesNoPositionOfAnAbsentOwnerBehindACheckpoint) {
  watch(0);
  const Millis played = 15 * kMinute;
  run(played);
  EXPECT_GE(position(), played - kHeartbeat);
  replace();
  const Playhead stored = played - kClusterCheckpointMs - kHeartbeat;
  EXPECT_GE(position(), stored);
  EXPECT_GE(on_the_page(), stored);
  EXPECT_GE(in_history(), stored);
  const auto read = position();
  own_all();
  EXPECT_EQ(position(), read) << "its next owner knows as much";
  EXPECT_EQ(on_the_page(), read);
  EXPECT_EQ(in_history(), read);
}

// What a node has for others, it says the moment that it is asked: they answer as fresh by it.
TEST_F(Absorption, LeavesNothingUntoldOfWhatIsForOthers) {
  watch(0);
  run(kMinute);
  EXPECT_EQ(undrained(), 0u) << "it is this node's own";
  replace();
  run(kHeartbeat);
  EXPECT_EQ(undrained(), 0u) << "the inbox has it";
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kFailed; };
  run(kHeartbeat);
  EXPECT_EQ(undrained(), 1u);
}

// As long as the lease lasts, heartbeats go to the views' rows: parts cost more, and keep the next
// owner from being sure for longer.
TEST_F(Absorption, HandsSlotsOverByTheViewsRows) {
  watch(0);
  run(kMinute + kSecond);
  EXPECT_TRUE(hand_over(kSecond));
  EXPECT_TRUE(table_.empty());
  replace();
  EXPECT_EQ(position(), kMinute);
}

// Until it is done nobody could check a limit; then nobody here can.
TEST_F(Absorption, TakesAStartWhileSlotsAreHandedOver) {
  watch(0);
  run(kMinute + kSecond);
  faults_.set_calm(false);  // the store takes its time
  ASSERT_FALSE(hand_over(0));
  const auto put = start("w");
  EXPECT_TRUE(handed_);
  ASSERT_TRUE(put.has_value()) << put.error().error.detail;
  EXPECT_FALSE(put->checked);
  faults_.set_calm(true);
}

// What others took is still there for who has just got a slot.
TEST_F(Absorption, AnswersFromTheInboxUntilItHasLookedThere) {
  replace();
  watch(0);
  run(kSecond);
  silent_ = true;
  ASSERT_FALSE(table_.empty());
  own_all();
  ASSERT_FALSE(is_foreign());
  const auto answer = process_->run(0, process_->service().view({kProfile.tenant, "0"}, "v"));
  ASSERT_TRUE(answer.has_value()) << answer.error().detail;
  EXPECT_TRUE(answer->stale);
}

// Slots don't wait for much that they leave behind: that goes to whoever gets them.
TEST_F(Absorption, HandsManyViewsOverAfterTheirSlots) {
  constexpr int kMany = 2'400;
  watch_all_of(kMany);
  run(2 * kHeartbeat + kSecond);
  EXPECT_TRUE(hand_over(0));
  silent_ = true;
  run(kSecond);
  EXPECT_TRUE(table_.empty()) << "somebody will take it";
  run(3 * kSecond);
  EXPECT_GT(table_.size(), 2'000u) << "nobody did";
  replace();
  EXPECT_EQ(position(), 2 * kHeartbeat);
}

// A part that another node has goes the short way: it is stored here, and never in the inbox.
TEST_F(Absorption, TakesPartsFromTheirNodes) {
  struct Here final : Peers {
    explicit Here(ShardThreads& its) : shards(its) {}
    Task<Result<std::string>> ask(std::string, PeerCall, std::string bytes, Deadline) override {
      for (std::size_t size = 2; size < bytes.size(); ++size)
        EXPECT_FALSE((co_await take_parts(shards, bytes.substr(0, size))).has_value());
      co_return co_await take_parts(shards, bytes);
    }
    ShardThreads& shards;
  };
  replace();
  watch(0);
  run(kSecond);
  silent_ = true;
  std::vector<InboxRow> parts;
  for (const auto& [key, record] : std::exchange(table_, {})) parts.push_back({key, record});
  ASSERT_FALSE(parts.empty());
  parts.resize(1);
  own_all();
  FreshSlots none;
  Routing routing("node-2", none);
  const Owner owner{.node = "node-1", .session = 1};
  const Move move{.slot = parts[0].key.slot, .to = 0};
  routing.update(status_of(std::span(&owner, 1), std::span(&move, 1)));
  Here here(process_->shards());
  DirectInbox direct(inbox_, routing, here, timeline_);
  bool taken = false;
  process_->start(0, direct.append(parts),
                  [&](const Result<void>& done) { taken = done.has_value(); });
  run(kSecond);
  EXPECT_TRUE(taken);
  EXPECT_TRUE(table_.empty());
  replace();
  EXPECT_EQ(watching(), 1u);
}

// Killed between the journal's word and the store's, it does not take its own for the store's.
TEST_F(Absorption, SaysOfARepeatThatOnlyItsJournalHasIt) {
  const Instant began = timeline_.now();
  replace();
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kFailed; };
  EXPECT_TRUE(is_unstored(State::kStarting, began));
  restart();
  EXPECT_TRUE(is_unstored(State::kStarting, began));
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kAnswered; };
  EXPECT_FALSE(is_unstored(State::kStarting, began));
}

// Who stops in order reads only what the store has not got, unless the power was cut.
TEST_F(Absorption, ReadsNothingAgainThatWasStoredBeforeAStopInOrder) {
  const auto in_memory = [this] {
    return process_->run(0, process_->service().figures()).front().views_in_memory;
  };
  const auto stop = [this] {
    return process_->run(0, process_->checkpointer().finish_unsettled()).has_value();
  };
  EXPECT_FALSE(is_unstored(State::kStarting, timeline_.now(), "v"));
  EXPECT_TRUE(stop());
  restart();
  EXPECT_EQ(in_memory(), 0u);
  own_all();
  EXPECT_FALSE(is_unstored(State::kPlaying, timeline_.now(), "v"));
  rows_.set_away(true);
  EXPECT_TRUE(is_unstored(State::kStarting, timeline_.now(), "w"));
  EXPECT_FALSE(stop());
  restart();
  EXPECT_GE(in_memory(), 1u) << "the store lacks w";
  rows_.set_away(false);
  EXPECT_TRUE(stop());
  EXPECT_FALSE(table_.empty()) << "for w's owner";
  disks_.back().crash();
  restart();
  EXPECT_GE(in_memory(), 1u) << "the power was cut: the store may have lost it";
}

// A store that has just come back is not asked for a row a heartbeat.
TEST_F(Absorption, SaysOfAHeartbeatThatItFollowsOnWhatIsUnstored) {
  const auto report = [this](State state) { return is_unstored(state, timeline_.now()); };
  EXPECT_FALSE(report(State::kStarting));
  rows_.set_away(true);
  EXPECT_TRUE(report(State::kPlaying));
  run(20 * kSecond);
  rows_.set_away(false);
  const std::uint64_t before = rows_.changed();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(report(State::kPlaying)) << "nobody has stored it";
  EXPECT_EQ(rows_.changed(), before);
  EXPECT_FALSE(report(State::kPaused)) << "this is, and all before it";
  EXPECT_FALSE(report(State::kPaused));
  rows_.set_away(true);
  EXPECT_TRUE(report(State::kPlaying));
  EXPECT_TRUE(report(State::kPlaying));
  rows_.set_away(false);
  run(2 * kClusterCheckpointMs);
  EXPECT_FALSE(report(State::kPlaying)) << "a checkpoint has";
}

// While the store is away nobody can look there for a view that begins again. Its slot stays here,
// and the inbox brings the two together.
TEST_F(Absorption, KeepsASlotInWhichAViewBeginsThatTheStoreMayKnow) {
  watch(0);  // so that the account is in memory
  const Instant began = timeline_.now();
  EXPECT_FALSE(is_unstored(State::kStarting, began, "w"));
  run(kExpiry + 2 * kClusterCheckpointMs);
  ASSERT_FALSE(process_->shards().shard(0).holds({kProfile.tenant, "0"}, "w"));
  const AccountRef account{kProfile.tenant, "0"};
  Shard& shard = process_->shards().shard(0);
  shard.looked(inbox_bucket(slot_of(account.tenant, account.account)), timeline_.monotonic_ms(),
               timeline_.now());
  ASSERT_EQ(shard.how_fresh(account).freshness, Freshness::kFresh);
  set_store_away(true);
  EXPECT_TRUE(is_unstored(State::kPlaying, timeline_.now(), "w"));
  EXPECT_EQ(shard.how_fresh(account).freshness, Freshness::kStale);
  EXPECT_TRUE(is_unstored(State::kPaused, timeline_.now(), "w"));
  EXPECT_FALSE(is_foreign());
  EXPECT_EQ(watching(), 2u);
  set_store_away(false);
  run(2 * kSecond);
  EXPECT_FALSE(is_foreign());
  EXPECT_EQ(table_.size(), 1u);
  const auto answer = process_->run(0, process_->service().view({kProfile.tenant, "0"}, "w"));
  ASSERT_TRUE(answer.has_value()) << answer.error().detail;
  EXPECT_EQ(answer->value.item.started_at, began) << "of which only the store knows";
  EXPECT_EQ(answer->value.item.state, State::kPaused);
}

// A sweep that ends in between must not take it for stored.
TEST_F(Absorption, KeepsAPartThatIsStillOnItsWay) {
  using Fate = MemoryInbox::Fate;
  Fate fate = Fate::kFailed;
  inbox_.fate = [&fate](MemoryInbox::Call) { return fate; };
  replace();
  EXPECT_TRUE(is_unstored(State::kStarting, timeline_.now()));
  fate = Fate::kHeldAnswer;
  run(2 * kSecond);
  ASSERT_EQ(inbox_.held(), 1u) << "a sweep's row";
  fate = Fate::kHeldRequest;
  EXPECT_TRUE(is_unstored(State::kPaused, timeline_.now()));
  ASSERT_EQ(inbox_.held(), 2u) << "a row of this report's own";
  inbox_.release_first();
  process_->pump();
  EXPECT_TRUE(process_->shards().shard(0).holds({kProfile.tenant, "0"}, "v"))
      << "should that row be lost, nobody else has it";
  inbox_.release_first();
  process_->pump();
  EXPECT_EQ(table_.size(), 2u);
}

// What comes in while that is on its way waits for it, or the slot would be foreign for as long as
// much is told of it.
TEST_F(Absorption, OwnsASlotAsSoonAsTheInboxHasWhatWasTakenForOthers) {
  replace();
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kFailed; };
  run(300);
  watch(0);
  run(200);
  own_all();
  EXPECT_TRUE(is_foreign()) << "there is a part of it, and the journal alone has it";
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kHeldAnswer; };
  run(700);
  ASSERT_EQ(inbox_.held(), 1u) << "the sweep's rows";
  watch(0);
  run(100);
  EXPECT_LT(acknowledged_, reports_);
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kAnswered; };
  inbox_.release_all();
  process_->pump();
  EXPECT_FALSE(is_foreign());
  run(kSecond);
  EXPECT_EQ(acknowledged_, reports_);
}

// Of a view that was active by a former owner's word silence is counted from the take-over, and not
// from whenever somebody asks.
TEST_F(Absorption, LetsNoSilentViewOutliveItsOwnerByMoreThanItsExpiry) {
  const auto take_over = [this] {
    silent_ = false;
    watch(0);
    run(5 * kMinute);
    replace();
    silent_ = true;
    own_all();
  };
  take_over();
  run(kExpiry - kHeartbeat);
  EXPECT_EQ(watching(), 1u);
  run(2 * kHeartbeat);
  EXPECT_EQ(watching(), 0u);
  take_over();
  run(kExpiry + kSecond);
  EXPECT_EQ(watching(), 0u) << "when asked for the first time";
}

// A view that falls silent is no active one any more, which nobody lays over anything.
TEST_F(Absorption, LeavesAllOfAViewInItsPlacesWhenItEnds) {
  watch(0);
  run(15 * kMinute);
  silent_ = true;
  const auto told = position();
  run(10 * kMinute);
  replace();
  EXPECT_EQ(position(), told);
  EXPECT_EQ(on_the_page(), told);
  EXPECT_EQ(in_history(), told);
}

}  // namespace
}  // namespace playhead::testing
