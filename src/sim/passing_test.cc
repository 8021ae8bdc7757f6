// Reports on their way from the node that a player asks to the one that owns the account.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <deque>
#include <limits>

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
    const Owner owner{.node = owner_.name, .session = 1};
    std::vector<Move> moves;
    std::vector<SlotEpoch> slots;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot) moves.push_back({.slot = slot, .to = 0});
    const SlotMap map = SlotMap().with(moves, std::span(&owner, 1));
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      slots.push_back({.slot = slot, .epoch = map.epoch_of(slot)});
    owner_.fresh.publish(map.slots_of(owner.session), map, std::numeric_limits<Millis>::max());
    asked_.fresh.publish(SlotSet(), map, std::numeric_limits<Millis>::max());
    asked_.routing.update(status_of(std::span(&owner, 1), moves));
    wires_[owner_.name + ":1"] = [this](PeerCall, std::string bytes, PeerAnswer answer) {
      owner_.process->start(0, owner_.process->service().take_passed_on(0, std::move(bytes)),
                            std::move(answer));
    };
    boost::asio::post(owner_.process->shards().threads().executor(0),
                      [this, slots] { owner_.process->shards().shard(0).gain(slots); });
    tick();
    run(kSecond);
  }
  ~Passing() override {
    peers_.kill();
    for (Node* node : {&asked_, &owner_}) node->process->kill();
  }

  // A report of the account's only view, to the second node. Returns where its answer will be.
  std::optional<BatchOutcome>& tell(std::string_view account) {
    Report report{.account = account, .profile = "p", .title = "t", .view = "v", .device = "d"};
    report.at = timeline_.now();
    report.state = State::kPlaying;
    auto& told = told_.emplace_back();
    asked_.process->start(0, asked_.process->submit(0, sim::kTenant, {report}),
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

  sim::Timeline timeline_;
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

  sim::Faults calm_{{}, 3};
  Prng prng_{4};
  sim::Troubles troubles_{calm_, prng_};
  sim::Rows rows_{calm_};
  InboxTable table_;
  MemoryInbox inbox_{table_};
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

}  // namespace
}  // namespace playhead
