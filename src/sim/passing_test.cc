// Two nodes: reports on their way from the one that a player asks to the one that owns the account,
// and accounts on their way to whoever gets their slots.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <deque>
#include <limits>
#include <numeric>

#include "cluster/fresh_slots.h"
#include "cluster/routing_test_kit.h"
#include "sim/model.h"
#include "sim/process.h"
#include "sim/sim_cluster.h"
#include "store/memory_inbox.h"

namespace playhead {
namespace {

constexpr Millis kSecond = 1'000;

// Two nodes: the first owns all slots, players ask the second. Nothing goes wrong but what a test
// makes of the first one's store.
class Passing : public ::testing::Test {
 protected:
  struct Node {
    std::string name;
    sim::Faults faults;
    sim::Disk disk{faults};
    FreshSlots fresh{};
    Routing routing{name, fresh};
    std::unique_ptr<sim::Process> process = nullptr;
  };

  Passing() {
    calm_.set_calm(true);
    rows_.share();
    owner_.faults.set_calm(true);
    asked_.faults.set_calm(true);
    boot(owner_);
    boot(asked_);
    wires_[owner_.name + ":1"] = [this](PeerCall, std::string bytes, PeerAnswer answer) {
      const bool prompt = bytes.at(1) != 0;
      ++messages_;
      if (!prompt && forget_what_waits_) return;
      owner_.process->start(0, owner_.process->service().take_passed_on(0, std::move(bytes)),
                            std::move(answer));
    };
    tick();
    give_all_to(owner_);
  }
  ~Passing() override {
    peers_.kill();
    for (Node* node : {&asked_, &owner_}) node->process->kill();
  }

  // All slots are that node's from now on. `before` comes to it just before it knows that.
  void give_all_to(Node& node, std::vector<HandedSlot> before = {}) {
    const Owner owner{.node = node.name, .session = ++sessions_};
    std::vector<Move> moves;
    std::vector<SlotEpoch> slots;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) moves.push_back({.slot = slot, .to = 0});
    map_ = map_.with(moves, std::span(&owner, 1));
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      slots.push_back({.slot = slot, .epoch = map_.epoch_of(slot)});
    for (Node* one : {&owner_, &asked_}) {
      one->fresh.publish(one == &node ? map_.slots_of(owner.session) : SlotSet(), map_,
                         std::numeric_limits<Millis>::max());
      one->routing.update(status_of(std::span(&owner, 1), moves));
    }
    Shard& shard = node.process->shards().shard(0);
    boost::asio::post(node.process->shards().threads().executor(0), [&shard, slots, &before] {
      for (HandedSlot& one : before) shard.take_handed(std::move(one));
      shard.gain(slots);
    });
    run(kSecond);
  }
  // What the first node gives to whoever is the slots' next owner, under the map's next version.
  std::vector<HandedSlot> hand_over() { return hand_over_from(owner_); }
  std::vector<HandedSlot> hand_over_from(Node& node) {
    node.fresh.publish(SlotSet(), map_, std::numeric_limits<Millis>::max());
    std::vector<std::uint16_t> all(kSlots);
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    std::vector<HandedSlot> out;
    node.process->start(0, node.process->shards().shard(0).hand_over(all),
                        [&](std::vector<HandedSlot> handed) { out = std::move(handed); });
    run(kSecond);
    for (HandedSlot& one : out) one.epoch = map_.version() + 1;
    return out;
  }
  // Nobody took what the node flushed: it has all slots on, under the epochs that they had.
  void gain_again(Node& node, const std::vector<HandedSlot>& before) {
    std::vector<SlotEpoch> slots;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      slots.push_back({.slot = slot, .epoch = map_.epoch_of(slot)});
    node.fresh.publish(map_.slots_of(sessions_), map_, std::numeric_limits<Millis>::max());
    Shard& shard = node.process->shards().shard(0);
    boost::asio::post(node.process->shards().threads().executor(0), [&shard, slots, &before] {
      for (const HandedSlot& one : before) shard.take_handed(one);
      shard.gain(slots);
    });
    run(kSecond);
  }

  // A report of the account's only view, to the second node. Returns where its answer will be.
  std::optional<BatchOutcome>& tell(std::string_view account, State state = State::kPlaying) {
    return tell_to(asked_, account, state);
  }
  std::optional<BatchOutcome>& tell_to(Node& node, std::string_view account, State state) {
    Report report{.account = account, .profile = "p", .title = "t", .view = "v", .device = "d"};
    report.at = timeline_.now();
    report.state = state;
    auto& told = told_.emplace_back();
    node.process->start(0, node.process->submit(0, sim::kTenant, {report}),
                        [&told](Result<BatchOutcome> outcome) {
                          if (outcome) told = *std::move(outcome);
                        });
    return told;
  }
  void run(Millis span) {
    const Millis until = timeline_.monotonic_ms() + span;
    pump();
    while (timeline_.step(until)) pump();
  }
  ShardFigures figures(Node& node) {
    return node.process->run(0, node.process->service().figures()).front();
  }

  bool forget_what_waits_ = false;
  int messages_ = 0;  // of reports, to the first node
  InboxTable table_;
  MemoryInbox inbox_{table_};
  sim::Timeline timeline_;
  sim::Faults calm_{{}, 3};
  sim::Rows rows_{calm_};
  Node owner_{.name = "node-1", .faults = {slow_reads(), 1}};
  Node asked_{.name = "node-2", .faults = {{}, 2}};

 private:
  static sim::FaultOptions slow_reads() {
    sim::FaultOptions out;
    out.of(sim::Fault::kSlowStore) = out.of(sim::Fault::kStoreMiss) = 1'000;
    return out;
  }
  void boot(Node& node) {
    node.process = std::make_unique<sim::Process>(sim::Process::Parts{
        .timeline = &timeline_,
        .faults = &node.faults,
        .disk = &node.disk,
        .rows = &rows_,
        .boot = 1,
        .shards = 1,
        .options = {},
        .inbox = &inbox_,
        .fresh = &node.fresh,
        .others = {.routing = &node.routing, .peers = &peers_, .inbox = &inbox_}});
  }
  void pump() {
    owner_.process->pump();
    asked_.process->pump();
  }
  void tick() {
    owner_.process->tick();
    asked_.process->tick();
    timeline_.in(100, [this] { tick(); });
  }

  SlotMap map_;
  std::uint64_t sessions_ = 0;
  Prng prng_{4};
  sim::Troubles troubles_{calm_, prng_};
  sim::SimWires wires_;
  sim::SimPeers peers_{wires_, timeline_, troubles_};
  std::deque<std::optional<BatchOutcome>> told_;
};

// One whose account is still to be read keeps nobody waiting who came with it.
TEST_F(Passing, ReportsDoNotWaitForWhatOthersNeed) {
  tell("near");
  run(kSecond);
  const std::uint64_t loads = figures(owner_).loads;
  owner_.faults.set_calm(false);
  const auto& far = tell("far");
  const auto& near = tell("near");
  run(100);
  ASSERT_TRUE(near.has_value());
  EXPECT_EQ(near->accepted, 1u);
  EXPECT_FALSE(near->unstored);
  EXPECT_FALSE(far.has_value());
  EXPECT_EQ(figures(asked_).views_started, 0u) << "the owner has taken it";
  run(20 * kSecond);
  ASSERT_TRUE(far.has_value());
  EXPECT_EQ(far->accepted, 1u);
  EXPECT_EQ(figures(owner_).loads, loads + 1);
}

// What has waited for long is taken by the node that was asked; by the owner, too, in his time.
TEST_F(Passing, ReportsThatWaitTooLongAreTakenByTheNodeThatWasAsked) {
  owner_.faults.set_calm(false);
  const auto& told = tell("far");
  run(2 * kSecond);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->accepted, 1u);
  EXPECT_EQ(figures(asked_).views_started, 1u);
  EXPECT_EQ(figures(owner_).views_started, 0u);
  run(20 * kSecond);
  EXPECT_EQ(figures(owner_).views_started, 1u);
}

// A report that has to wait for another one's write before its own waits no longer for both than it
// would for one; it keeps its turn.
TEST_F(Passing, ReportsDoNotWaitTwiceForTheStore) {
  tell("first");
  tell("second");
  run(kSecond);
  rows_.set_write_ms(400);
  const auto& first = tell("first", State::kPaused);
  run(100);
  const std::uint64_t rows = figures(owner_).through_rows;
  const auto& second = tell("second", State::kPaused);
  run(650);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->unstored);
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->unstored);
  run(kSecond);
  EXPECT_EQ(figures(owner_).through_rows, rows + 1);
  const auto& next = tell("second", State::kPlaying);
  run(kSecond);
  ASSERT_TRUE(next.has_value());
  EXPECT_FALSE(next->unstored);
}

// One that was sent once more, for its account had to be read, has waited before.
TEST_F(Passing, ReportsAreAcknowledgedWithinASecond) {
  tell("near", State::kPaused);
  run(kSecond);
  rows_.set_write_ms(480);
  tell("near");
  const auto& far = tell("far");
  run(600);
  EXPECT_FALSE(far.has_value());
  run(250);
  ASSERT_TRUE(far.has_value());
  EXPECT_TRUE(far->unstored);
  EXPECT_EQ(figures(asked_).views_started, 0u) << "the owner has taken it";
}

// As a rule their views have to be read: they are not left out and sent once more.
TEST_F(Passing, StartsAreSentOnce) {
  owner_.faults.set_calm(false);
  messages_ = 0;
  const auto& told = tell("far", State::kStarting);
  run(20 * kSecond);
  EXPECT_TRUE(told.has_value());
  EXPECT_EQ(messages_, 1);
}

// A pause is stored before it is acknowledged. Heartbeats need not wait for that.
TEST_F(Passing, HeartbeatsDoNotWaitForWhatIsStored) {
  tell("pauses");
  tell("plays");
  run(kSecond);
  rows_.set_write_ms(480);
  const auto& pauses = tell("pauses", State::kPaused);
  const auto& plays = tell("plays");
  run(100);
  EXPECT_FALSE(pauses.has_value());
  EXPECT_TRUE(plays.has_value());
  run(500);
  ASSERT_TRUE(pauses.has_value());
  EXPECT_FALSE(pauses->unstored);
}

// It has waited for its account for as long as it may.
TEST_F(Passing, ReportsThatHaveWaitedAreAcknowledgedAtOnce) {
  owner_.faults.set_calm(false);
  rows_.set_write_ms(480);
  const auto& far = tell_to(owner_, "far", State::kStarting);
  run(550);
  ASSERT_EQ(figures(owner_).views_started, 0u);
  for (int i = 0; i < 1'000 && figures(owner_).views_started == 0; ++i) run(10);
  ASSERT_TRUE(far.has_value());
  EXPECT_TRUE(far->unstored);
}

TEST_F(Passing, WhatNobodyWaitsForAnyMoreIsStoredInItsTurn) {
  tell("near", State::kPaused);
  tell("other");
  run(kSecond);
  rows_.set_write_ms(480);
  tell("near");
  const auto& far = tell("far");
  run(300);
  tell("other", State::kPaused);
  run(550);
  ASSERT_TRUE(far.has_value());
  EXPECT_TRUE(far->unstored);
  const std::uint64_t rows = figures(owner_).through_rows;
  run(kSecond);
  EXPECT_EQ(figures(owner_).through_rows, rows + 1);
}

// The next owner need not read what the former one had in memory.
TEST_F(Passing, AccountsGoAlongWithTheirSlots) {
  tell("near");
  run(kSecond);
  give_all_to(asked_, hand_over());
  EXPECT_EQ(figures(asked_).handed, 1u);
  const auto& told = tell("near");
  run(100);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->accepted, 1u);
  EXPECT_EQ(figures(asked_).loads, 0u);
  EXPECT_EQ(figures(asked_).views_started, 0u);
  EXPECT_EQ(figures(asked_).views_active, 1u);
}

// Their former owner knew when each player had last been heard of.
TEST_F(Passing, AccountsThatGoAlongFallSilentNoLater) {
  const auto watching = [&] {
    const auto answer = asked_.process->run(
        0, asked_.process->service().viewers({std::string(sim::kTenant), "near"}));
    return answer ? answer->value.size() : 0;
  };
  tell("near");
  run(20 * kSecond);
  give_all_to(asked_, hand_over());
  EXPECT_EQ(watching(), 1u);
  run(9 * kSecond);
  EXPECT_EQ(watching(), 0u);
}

// Somebody else may have written since.
TEST_F(Passing, AccountsAreReadIfAnotherHadTheirSlotsInBetween) {
  tell("near");
  run(kSecond);
  std::vector<HandedSlot> handed = hand_over();
  ASSERT_EQ(handed.size(), 1u);
  ++handed.front().epoch;
  give_all_to(asked_, std::move(handed));
  EXPECT_EQ(figures(asked_).handed, 0u);
  tell("near");
  run(kSecond);
  EXPECT_EQ(figures(asked_).loads, 1u);
}

// The node may have done much with its slots by then.
TEST_F(Passing, AccountsThatComeAfterTheirSlotsAreReadInstead) {
  tell("near");
  run(kSecond);
  const std::vector<HandedSlot> handed = hand_over();
  ASSERT_EQ(handed.size(), 1u);
  give_all_to(asked_);
  asked_.process->shards().shard(0).take_handed(handed.front());
  tell("near");
  run(kSecond);
  EXPECT_EQ(figures(asked_).handed, 0u);
  EXPECT_EQ(figures(asked_).loads, 1u);
}

// Bytes from another node are not believed.
TEST_F(Passing, AccountsThatAreCutShortAreReadInstead) {
  tell("near");
  run(kSecond);
  std::vector<HandedSlot> handed = hand_over();
  ASSERT_EQ(handed.size(), 1u);
  handed.front().accounts.resize(handed.front().accounts.size() - 1);
  give_all_to(asked_, std::move(handed));
  EXPECT_EQ(figures(asked_).handed, 0u);
  tell("near");
  run(kSecond);
  EXPECT_EQ(figures(asked_).loads, 1u);
}

// What is not in the store yet goes both ways: with the account, and as a part. It is in the store
// whoever of the two is gone before.
TEST_F(Passing, WhatTheStoreLacksOfAnAccountGoesAlongToo) {
  tell("near");
  run(kSecond);
  rows_.set_away(true);
  const Instant last = timeline_.now();
  tell("near");
  run(kSecond);
  std::vector<HandedSlot> handed = hand_over();
  ASSERT_EQ(handed.size(), 1u);
  rows_.set_away(false);
  give_all_to(asked_, std::move(handed));
  EXPECT_EQ(figures(asked_).handed, 1u);
  EXPECT_EQ(figures(asked_).loads, 0u);
  EXPECT_TRUE(asked_.process->finish().has_value());
  const auto row = asked_.process->run(
      0, asked_.process->store().view({std::string(sim::kTenant), "near"}, "v"));
  ASSERT_TRUE(row && *row);
  EXPECT_EQ((*row)->view.cursor.at, last);
}

// The node may have owned the slot under that epoch, and not own it for the moment.
TEST_F(Passing, AccountsThatComeWhenTheirSlotsAreGainedAgainAreReadInstead) {
  tell("near");
  run(kSecond);
  const std::vector<HandedSlot> handed = hand_over();
  ASSERT_EQ(handed.size(), 1u);
  give_all_to(asked_);
  tell("near", State::kStopped);
  run(kSecond);
  hand_over_from(asked_);
  run(2 * kSecond);  // nothing is left of it in memory
  gain_again(asked_, handed);
  EXPECT_EQ(figures(asked_).handed, 0u);
  EXPECT_EQ(figures(asked_).views_active, 0u) << "it has ended";
}

// Whoever repeats what the store lacks is told so, also by the next owner.
TEST_F(Passing, AccountsOfWhichAChangeIsUnstoredAreReadInstead) {
  tell("near");
  run(kSecond);
  rows_.set_away(true);
  const auto& told = tell("near", State::kPaused);
  run(2 * kSecond);
  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->unstored);
  std::vector<HandedSlot> handed = hand_over();
  rows_.set_away(false);
  give_all_to(asked_, std::move(handed));
  EXPECT_EQ(figures(asked_).handed, 0u);
}

// Of a slot that is foreign for the moment, because the store is away, memory has parts.
TEST_F(Passing, AccountsOfSlotsThatHaveSteppedBackAreReadInstead) {
  tell("near");
  run(kSecond);
  std::string other = "0";
  for (int i = 1; slot_of(sim::kTenant, other) != slot_of(sim::kTenant, "near"); ++i)
    other = std::to_string(i);
  rows_.set_away(true);
  inbox_.fate = [](MemoryInbox::Call) { return MemoryInbox::Fate::kFailed; };
  tell(other);
  run(60);  // it is a matter of the moment: the next tick makes an end of it
  ASSERT_TRUE(owner_.process->shards().shard(0).is_foreign(slot_of(sim::kTenant, "near")));
  EXPECT_TRUE(hand_over().empty());
}

// An account is made room for when it is read, and not before.
TEST_F(Passing, ReportsThatWaitLeaveNoAccountBehindIfTheirSenderGoes) {
  owner_.faults.set_calm(false);
  forget_what_waits_ = true;
  tell("far");
  run(100);
  EXPECT_EQ(figures(owner_).accounts_in_memory, 0u);
}

}  // namespace
}  // namespace playhead
