// How many reports the tier in memory takes for each row that it writes, by the virtual clock.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <cstdio>
#include <numeric>

#include "cluster/fresh_slots.h"
#include "cluster/routing_test_kit.h"
#include "service/direct_inbox.h"
#include "service/fold_parts.h"
#include "service/load_exchange.h"
#include "sim/model.h"
#include "sim/process.h"
#include "store/memory_inbox.h"

namespace playhead {
namespace {

constexpr Millis kSecond = 1'000, kMinute = 60 * kSecond;
constexpr Millis kHeartbeat = 10 * kSecond;
constexpr Millis kPlayed = 50 * kMinute, kPauseAfter = 20 * kMinute, kPaused = 3 * kMinute;
constexpr Millis kExpiry = 3 * kHeartbeat;
constexpr int kViews = 60;
constexpr Millis kStartsWithin = 10 * kMinute;
const ProfileRef kProfile{std::string(sim::kTenant), "0", "p"};

// A node as it comes out of the box, which owns all slots.
class Absorption : public ::testing::Test {
 protected:
  void SetUp() override {
    faults_.set_calm(true);
    rows_.share();
    boot();
    own_all();
    tick();
    step();
  }
  void TearDown() override { process_->kill(); }

  void watch(int number) {
    const Millis begins = kStartsWithin * number / kViews;
    timeline_.in(begins, [this, number] { next(number, 0); });
  }
  void watch_all_of(int count) {
    timeline_.in(0, [this, count] {
      for (int number = 0; number < count; ++number) next(number, 0);
    });
  }
  // Kills the node; the next one owns nothing yet, and has nothing but the store.
  void replace() {
    process_->kill();
    process_.reset();
    fresh_.withdraw();
    boot();
  }
  // The same node again, with its journal.
  void restart() {
    process_->kill();
    process_.reset();
    fresh_.withdraw();
    boot_on(disks_.back());
  }
  void own_all() {
    const Owner me{.node = "node-1", .session = 1};
    std::vector<Move> moves;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) moves.push_back({.slot = slot, .to = 0});
    const SlotMap map = SlotMap().with(moves, std::span(&me, 1));
    fresh_.publish(map.slots_of(me.session), map, std::numeric_limits<Millis>::max());
    std::vector<SlotEpoch> slots;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      slots.push_back({.slot = slot, .epoch = map.epoch_of(slot)});
    boost::asio::post(process_->shards().threads().executor(0),
                      [this, slots] { process_->shards().shard(0).gain(slots); });
    process_->pump();
  }
  // Of all slots, as long as the lease lasts. Whether it was done within that time.
  bool hand_over(Millis within) {
    fresh_.publish(SlotSet(), SlotMap(), std::numeric_limits<Millis>::max());
    std::vector<std::uint16_t> all(kSlots);
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    handed_ = false;
    process_->start(0, process_->shards().shard(0).hand_over(all),
                    [this](const std::vector<HandedSlot>&) { handed_ = true; });
    process_->pump();
    run(within);
    return handed_;
  }
  std::optional<Playhead> position() {
    const auto answer = process_->run(0, process_->service().progress(kProfile, {"t"}));
    return answer && !answer->value.empty() ? answer->value.front().playhead : std::nullopt;
  }
  std::optional<Playhead> on_the_page() {
    const auto answer = process_->run(0, process_->service().progress_page(kProfile, "", "", 10));
    const bool any = answer && !answer->value.items.empty();
    return any ? answer->value.items.front().playhead : std::nullopt;
  }
  // What its player is told of a report.
  bool is_unstored(State state, Instant at, std::string_view view = "v") {
    Report report{.account = "0", .profile = "p", .title = "t", .view = view, .device = view};
    report.at = at;
    report.state = state;
    std::optional<bool> unstored;
    process_->start(0, process_->submit(0, sim::kTenant, {report}),
                    [&](const Result<BatchOutcome>& outcome) {
                      if (outcome && outcome->accepted == 1) unstored = outcome->unstored;
                    });
    run(kSecond);
    return unstored.value();
  }
  // Looks into the inbox, as its owner does each second.
  void fold_inbox() {
    std::vector<InboxRow> rows;
    for (const auto& [key, record] : std::exchange(table_, {})) rows.push_back({key, record});
    const std::size_t count = rows.size();
    EXPECT_EQ(process_->run(0, fold_parts(process_->shards(), std::move(rows))).done.size(), count);
    for (std::uint16_t bucket = 0; bucket < kInboxBuckets; ++bucket)
      process_->shards().shard(0).looked(bucket, timeline_.monotonic_ms(), timeline_.now());
  }
  std::uint64_t undrained() { return process_->run(0, undrained_views(process_->shards())); }
  // A device's PUT under a limit of two.
  std::expected<PutOutcome, PutRefusal> start(std::string_view view) {
    Report report{.account = "0", .profile = "p", .title = "t", .view = view, .device = view};
    report.at = timeline_.now();
    report.state = State::kStarting;
    std::optional<std::expected<PutOutcome, PutRefusal>> put;
    process_->start(0, process_->service().put_view(std::string(sim::kTenant), report, 2, ""),
                    [&](std::expected<PutOutcome, PutRefusal> answer) { put = std::move(answer); });
    run(kSecond);
    return put.value();
  }
  // Which of these devices have a place within the limit, when they ask.
  std::vector<std::string_view> placed(const std::vector<std::string_view>& views) {
    std::vector<std::string_view> out;
    for (const std::string_view view : views)
      if (const auto put = start(view); put && put->checked) out.push_back(view);
    return out;
  }
  bool is_foreign() {
    return process_->shards().shard(0).is_foreign(AccountRef{kProfile.tenant, "0"});
  }
  std::size_t watching() {
    const auto answer = process_->run(0, process_->service().viewers({kProfile.tenant, "0"}));
    return answer ? answer->value.size() : 0;
  }
  std::optional<Playhead> in_history() {
    const auto answer =
        process_->run(0, process_->service().history(kProfile, {.all = true}, std::nullopt, 10));
    const bool any = answer && !answer->value.items.empty();
    return any ? answer->value.items.front().playhead : std::nullopt;
  }
  void run(Millis span) {
    const Millis until = timeline_.monotonic_ms() + span;
    while (timeline_.step(until)) process_->pump();
  }

  bool silent_ = false, handed_ = false;
  std::uint64_t reports_ = 0, acknowledged_ = 0;
  sim::Timeline timeline_;
  sim::Faults faults_{{}, 1};
  std::deque<sim::Disk> disks_;
  sim::Rows rows_{faults_};
  InboxTable table_;
  MemoryInbox inbox_{table_};
  FreshSlots fresh_;
  std::unique_ptr<sim::Process> process_;

 private:
  void boot() { boot_on(disks_.emplace_back(faults_)); }
  void boot_on(sim::Disk& disk) {
    ShardOptions options;
    options.checkpoint_interval_ms = kClusterCheckpointMs;
    process_ = std::make_unique<sim::Process>(sim::Process::Parts{.timeline = &timeline_,
                                                                  .faults = &faults_,
                                                                  .disk = &disk,
                                                                  .rows = &rows_,
                                                                  .boot = ++boots_,
                                                                  .shards = 1,
                                                                  .options = options,
                                                                  .inbox = &inbox_,
                                                                  .fresh = &fresh_,
                                                                  .others = {.inbox = &inbox_}});
  }
  void tick() {
    process_->tick();
    timeline_.in(100, [this] { tick(); });
  }
  void step() {
    process_->checkpoint();
    timeline_.in(kSecond, [this] { step(); });
  }

  // The view's report of this moment, and the one after it.
  void next(int number, Millis at) {
    if (silent_) return;
    const bool over = at >= kPlayed + kPaused;
    const bool paused = at >= kPauseAfter && at < kPauseAfter + kPaused;
    const Millis played = at - std::clamp<Millis>(at - kPauseAfter, 0, kPaused);
    const std::string name = std::to_string(number);
    texts_.push_back(name);
    Report report{
        .account = texts_.back(), .profile = "p", .title = "t", .view = "v", .device = "d"};
    report.at = timeline_.now();
    report.state = over ? State::kStopped : paused ? State::kPaused : State::kPlaying;
    if (at == 0) report.state = State::kStarting;
    report.playhead = played;
    report.duration = kPlayed + kMinute;
    ++reports_;
    process_->start(0, process_->submit(0, sim::kTenant, {report}),
                    [this](const Result<BatchOutcome>& outcome) {
                      acknowledged_ += outcome ? outcome->accepted : 0;
                    });
    if (!over) timeline_.in(kHeartbeat, [this, number, at] { next(number, at + kHeartbeat); });
  }

  std::uint64_t boots_ = 0;
  std::deque<std::string> texts_;
};

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

// Paused for longer than its lease lasts, it is asked before it has noticed.
TEST_F(Absorption, HasViewsForOthersTheMomentItsLeaseIsOver) {
  watch(0);
  run(kMinute);
  ASSERT_EQ(undrained(), 0u);
  fresh_.withdraw();
  EXPECT_EQ(undrained(), 1u);
}

// Who is not the owner knows no deadlines: nothing falls silent there.
TEST_F(Absorption, EndsNoViewThatIsSomebodyElses) {
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
TEST_F(Absorption, CountsSilenceFromWhatOthersHeard) {
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

// Who was let in while nobody could look asks again. A place lasts as long as its view plays, and
// goes with the account to its next owner.
TEST_F(Absorption, GivesPlacesToThoseWhoWereLetInUnchecked) {
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
TEST_F(Absorption, GivesNoPlaceByWhatWasNotAnswered) {
  using Views = std::vector<std::string_view>;
  rows_.set_write_ms(kMinute);
  Report report{.account = "0", .profile = "p", .title = "t", .view = "lost", .device = "lost"};
  report.at = timeline_.now();
  report.state = State::kStarting;
  process_->start(0, process_->service().put_view(std::string(sim::kTenant), report, 2, ""),
                  [](const std::expected<PutOutcome, PutRefusal>&) { FAIL() << "answered"; });
  run(kSecond / 10);
  restart();
  rows_.set_write_ms(0);
  EXPECT_EQ(placed({"a", "b"}), Views{}) << "nobody can look";
  own_all();
  fold_inbox();
  EXPECT_EQ(watching(), 3u);
  EXPECT_EQ(placed({"a", "b", "lost"}), (Views{"a", "b"}));
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
  rows_.set_away(true);
  EXPECT_TRUE(is_unstored(State::kPlaying, timeline_.now(), "w"));
  EXPECT_EQ(shard.how_fresh(account).freshness, Freshness::kStale);
  EXPECT_TRUE(is_unstored(State::kPaused, timeline_.now(), "w"));
  EXPECT_FALSE(is_foreign());
  EXPECT_EQ(watching(), 2u);
  rows_.set_away(false);
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
}  // namespace playhead
