// Whole worlds: a server, its disk and its players, one seed each.
//
// Goal: nothing that was acknowledged is lost, doubled or undone, whatever disk, store, network and
//   players do, and whenever the server is killed.
// Method: see world.h. PLAYHEAD_SEED=n replays one world alone and prints its course;
//   PLAYHEAD_SEEDS=n plays n worlds in place of 1,000, a half of them in each of two tests, which
//   run beside each other.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ranges>

#include "sim/world.h"

namespace playhead::sim {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Plays `count` worlds, the first of seed `first`; then every fault must have happened.
void play(std::uint64_t first, std::uint64_t count, bool alone) {
  Outcome all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Outcome outcome = World(seed, alone).run();
    for (const std::string& broken : outcome.broken | std::views::take(10))
      ADD_FAILURE() << "PLAYHEAD_SEED=" << seed << ": " << broken;
    if (!outcome.broken.empty()) break;
    for (std::size_t i = 0; i < kFaults; ++i) all.faults[i] += outcome.faults[i];
    all.acked += outcome.acked;
    all.refused_by_limit += outcome.refused_by_limit;
    all.terminations += outcome.terminations;
    all.deletions += outcome.deletions;
    all.expired += outcome.expired;
    all.erasures += outcome.erasures;
    all.refused_as_erased += outcome.refused_as_erased;
    all.checks += outcome.checks;
    all.exact += outcome.exact;
  }
  if (alone || ::testing::Test::HasFailure()) return;
  for (std::size_t i = 0; i < kFaults; ++i)
    EXPECT_GT(all.faults[i], 0u) << kFaultNames[i] << " never happened: this test shows less";
  for (const std::uint64_t happened : {all.refused_by_limit, all.terminations, all.deletions,
                                       all.expired, all.exact, all.erasures, all.refused_as_erased})
    EXPECT_GT(happened, 0u);
  EXPECT_GT(all.acked, 100 * count);
  for (std::size_t i = 0; i < kFaults; ++i)
    std::printf("%-21s %8llu\n", kFaultNames[i].data(),
                static_cast<unsigned long long>(all.faults[i]));
  std::printf("%llu worlds, %llu reports acknowledged, %llu checks, %llu exact comparisons\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(all.acked),
              static_cast<unsigned long long>(all.checks),
              static_cast<unsigned long long>(all.exact));
}

TEST(ShardSim, KeepsEveryPromiseWhateverGoesWrong) {
  if (std::getenv("PLAYHEAD_SEED") != nullptr)
    return play(number_from("PLAYHEAD_SEED", 1), 1, true);
  play(1, number_from("PLAYHEAD_SEEDS", 1000) / 2, false);
}

TEST(ShardSim, KeepsThemInTheOtherHalfOfTheWorldsToo) {
  const std::uint64_t count = number_from("PLAYHEAD_SEEDS", 1000);
  play(1 + count / 2, count - count / 2, false);
}

TEST(ShardSim, RunsTheSameTwiceFromOneSeed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome once = World(seed, false).run();
    const Outcome again = World(seed, false).run();
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.faults, again.faults) << "seed " << seed;
    EXPECT_EQ(once.acked, again.acked) << "seed " << seed;
    EXPECT_NE(once.trace_hash, World(seed + 1'000, false).run().trace_hash);
  }
}

}  // namespace
}  // namespace playhead::sim
