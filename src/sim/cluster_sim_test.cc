// Whole clusters: nodes, their disks, one store, one inbox, players, one seed each.
//
// Goal: nothing that was acknowledged is lost whatever becomes of nodes, and no answer promises
//   more than it holds.
// Method: see cluster_world.h. PLAYHEAD_SEED=n replays one world alone and prints its course;
//   PLAYHEAD_SEEDS=n plays n / 40 worlds in place of 25, but no fewer than meet every trouble.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ranges>

#include "sim/cluster_world.h"

namespace playhead::sim {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr std::uint64_t kWorldsMin = 20;

void show(std::string_view what, std::uint64_t count) {
  std::printf("%-24s %8llu\n", what.data(), static_cast<unsigned long long>(count));
}

// Plays `count` worlds, the first of seed `first`; then all troubles must have happened.
void play(std::uint64_t first, std::uint64_t count, bool alone) {
  ClusterOutcome all;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const ClusterOutcome outcome = ClusterWorld(seed, alone).run();
    for (const std::string& broken : outcome.broken | std::views::take(10))
      ADD_FAILURE() << "PLAYHEAD_SEED=" << seed << ": " << broken;
    if (!outcome.broken.empty()) break;
    for (std::size_t i = 0; i < kTroubles; ++i) all.troubles[i] += outcome.troubles[i];
    all.acked += outcome.acked;
    all.unstored += outcome.unstored;
    all.taken_over += outcome.taken_over;
    all.passed_on += outcome.passed_on;
    all.parts_given += outcome.parts_given;
    all.handed += outcome.handed;
    all.grants += outcome.grants;
    all.unchecked += outcome.unchecked;
    all.refused_by_limit += outcome.refused_by_limit;
    all.fresh_answers += outcome.fresh_answers;
    all.stale_answers += outcome.stale_answers;
    all.foreign_answers += outcome.foreign_answers;
    all.stored_checks += outcome.stored_checks;
    all.exact += outcome.exact;
  }
  if (alone || ::testing::Test::HasFailure()) return;
  for (std::size_t i = 0; i < kTroubles; ++i) {
    EXPECT_GT(all.troubles[i], 0u) << kTroubleNames[i] << " never happened: this test shows less";
    show(kTroubleNames[i], all.troubles[i]);
  }
  const std::pair<std::string_view, std::uint64_t> happened[] = {
      {"worlds", count},
      {"reports acknowledged", all.acked},
      {"of them unstored", all.unstored},
      {"slots taken over", all.taken_over},
      {"calls between nodes", all.passed_on},
      {"of them with parts", all.parts_given},
      {"accounts handed over", all.handed},
      {"checked grants", all.grants},
      {"unchecked grants", all.unchecked},
      {"refused by the limit", all.refused_by_limit},
      {"fresh answers", all.fresh_answers},
      {"stale answers", all.stale_answers},
      {"stale answers of who is not the owner", all.foreign_answers},
      {"looks into the store", all.stored_checks},
      {"exact comparisons", all.exact}};
  for (const auto& [what, times] : happened) {
    EXPECT_GT(times, 0u) << what;
    show(what, times);
  }
}

TEST(ClusterSim, KeepsEveryPromiseWhateverBecomesOfItsNodes) {
  if (std::getenv("PLAYHEAD_SEED") != nullptr)
    return play(number_from("PLAYHEAD_SEED", 1), 1, true);
  play(1, std::max(number_from("PLAYHEAD_SEEDS", 1'000) / 40, kWorldsMin), false);
}

TEST(ClusterSim, RunsTheSameTwiceFromOneSeed) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    const ClusterOutcome once = ClusterWorld(seed, false).run();
    const ClusterOutcome again = ClusterWorld(seed, false).run();
    EXPECT_EQ(once.trace_hash, again.trace_hash) << "seed " << seed;
    EXPECT_EQ(once.troubles, again.troubles) << "seed " << seed;
    EXPECT_NE(once.trace_hash, ClusterWorld(seed + 1'000, false).run().trace_hash);
  }
}

}  // namespace
}  // namespace playhead::sim
