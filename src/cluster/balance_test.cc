// Few moves, to those who lack, and none to and fro.
#include "cluster/balance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/prng.h"

namespace playhead {
namespace {

std::vector<Owner> nodes_of(std::size_t count) {
  std::vector<Owner> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({.node = "n" + std::to_string(i), .session = i + 1});
  return out;
}

SlotMap placed(const SlotMap& map, const SlotSet& slots, std::span<const Owner> takers,
               const SlotLoads& loads) {
  return map.with(place(map, slots, takers, loads), takers);
}

SlotLoads skewed_loads(std::uint64_t seed) {
  Prng prng(seed);
  SlotLoads out(kSlots);
  for (std::uint32_t& load : out) load = static_cast<std::uint32_t>(500 + prng.below(1'000));
  for (int i = 0; i < 20; ++i) out[prng.below(kSlots)] *= 8;
  return out;
}

struct Spread {
  double most, least;  // against the mean
};
Spread spread_of(const SlotMap& map, std::span<const Owner> nodes, const SlotLoads& loads) {
  std::vector<double> totals;
  for (const Owner& node : nodes) {
    const SlotSet slots = map.slots_of(node.session);
    double& total = totals.emplace_back();
    for (std::size_t slot = 0; slot < kSlots; ++slot)
      if (slots[slot]) total += loads[slot];
  }
  const double mean = std::accumulate(totals.begin(), totals.end(), 0.0) / double(totals.size());
  return {.most = std::ranges::max(totals) / mean, .least = std::ranges::min(totals) / mean};
}

struct Round {
  SlotMap map;
  std::size_t moves;
};
// Each node in turn gives what it should.
Round play_round(SlotMap map, std::span<const Owner> nodes, const SlotLoads& loads) {
  std::size_t moves = 0;
  for (std::size_t giver = 0; giver < nodes.size(); ++giver) {
    const SlotSet gives = choose_gives(map, nodes, giver, loads, {});
    if (gives.none()) continue;
    std::vector<Owner> takers(nodes.begin(), nodes.end());
    takers.erase(takers.begin() + static_cast<std::ptrdiff_t>(giver));
    map = placed(map, gives, takers, loads);
    moves += gives.count();
  }
  return {.map = std::move(map), .moves = moves};
}

TEST(Balance, SpreadsSlotsWithoutOwnersByTheirLoad) {
  const auto nodes = nodes_of(16);
  const SlotLoads loads = skewed_loads(1);
  const Spread spread = spread_of(placed({}, SlotSet().set(), nodes, loads), nodes, loads);
  EXPECT_LT(spread.most, 1.01);
  EXPECT_GT(spread.least, 0.99);
}

TEST(Balance, SpreadsIdleSlotsByTheirNumber) {
  const auto nodes = nodes_of(3);
  const SlotMap map = placed({}, SlotSet().set(), nodes, SlotLoads(kSlots));
  for (const Owner& node : nodes)
    EXPECT_NEAR(double(map.slots_of(node.session).count()), kSlots / 3.0, 1);
}

TEST(Balance, OfSlotsThatACrashLeftMovesNoOthers) {
  const auto nodes = nodes_of(8);
  const SlotLoads loads = skewed_loads(2);
  const SlotMap map = placed({}, SlotSet().set(), nodes, loads);
  const SlotSet left = map.slots_of(8);
  const auto rest = std::span(nodes).first(7);
  const SlotMap after = placed(map, left, rest, loads);
  EXPECT_EQ(changed_slots(map, after), left);
  EXPECT_LT(spread_of(after, rest, loads).most, 1.01);
}

TEST(Balance, GivesANodeThatJoinsItsShareAndMovesLittleMore) {
  const auto nodes = nodes_of(8);
  const SlotLoads loads = skewed_loads(3);
  SlotMap map = placed({}, SlotSet().set(), std::span(nodes).first(7), loads);
  std::size_t moves = 0;
  for (int round = 0; round < 20; ++round) {
    Round played = play_round(std::move(map), nodes, loads);
    map = std::move(played.map);
    moves += played.moves;
  }
  const Spread spread = spread_of(map, nodes, loads);
  EXPECT_LT(spread.most, 1.06);
  EXPECT_GT(spread.least, 0.94);
  EXPECT_LE(moves, kSlots / 8 + 16);
}

TEST(Balance, GivesANewNodeSomethingEvenIfNobodyElseHasTooMuch) {
  const auto nodes = nodes_of(100);
  const SlotLoads loads = skewed_loads(4);
  SlotMap map = placed({}, SlotSet().set(), std::span(nodes).first(99), loads);
  for (int round = 0; round < 5; ++round) map = play_round(std::move(map), nodes, loads).map;
  EXPECT_GT(spread_of(map, nodes, loads).least, 0.9);
}

TEST(Balance, OfOneNodeMovesABoundedNumberOfSlotsInARound) {
  const auto nodes = nodes_of(2);
  const SlotLoads loads = skewed_loads(5);
  const SlotMap map = placed({}, SlotSet().set(), std::span(nodes).first(1), loads);
  EXPECT_LE(choose_gives(map, nodes, 0, loads, {}).count(), BalanceOptions{}.gives_max);
  EXPECT_EQ(choose_gives(map, nodes, 1, loads, {}).count(), 0u) << "it has nothing";
}

TEST(Balance, ThatIsReachedStaysThoughLoadsTremble) {
  const auto nodes = nodes_of(8);
  const SlotLoads loads = skewed_loads(6);
  SlotMap map = placed({}, SlotSet().set(), nodes, loads);
  Prng prng(6);
  for (int round = 0; round < 50; ++round) {
    SlotLoads now = loads;
    for (std::uint32_t& load : now)
      load = load * static_cast<std::uint32_t>(80 + prng.below(41)) / 100;
    EXPECT_EQ(play_round(map, nodes, now).moves, 0u) << "each slot by up to a fifth";
  }
}

// A slot that is more than a node's share can't be cured by moving it about.
TEST(Balance, LeavesASlotAloneThatNobodyCouldCarry) {
  const auto nodes = nodes_of(4);
  SlotLoads loads(kSlots, 100);
  loads[7] = 1'000'000;
  SlotMap map = placed({}, SlotSet().set(), nodes, SlotLoads(kSlots, 100));
  const Owner owner = *map.owner_of(7);
  std::size_t last = 0;
  for (int round = 0; round < 30; ++round) {
    Round played = play_round(std::move(map), nodes, loads);
    map = std::move(played.map);
    last = played.moves;
  }
  EXPECT_EQ(*map.owner_of(7), owner);
  EXPECT_EQ(last, 0u);
}

TEST(LoadMeter, BeginsWithWhatItSeesFirstThenSmoothsOverAMinute) {
  LoadMeter meter;
  meter.count(7, 100);
  meter.close(10'000);
  EXPECT_EQ(meter.loads()[7], 10'000u) << "10 reports a second";
  meter.close(10'000);
  EXPECT_EQ(meter.loads()[7], 8'334u);
  meter.learn(7, 500);
  EXPECT_EQ(meter.loads()[7], 500u);
  EXPECT_EQ(meter.loads()[8], 0u);
}

}  // namespace
}  // namespace playhead
