// A simulated day of a skewed audience (sim/hot_spots.h): the busiest node against the mean.
//   playhead_hot_spots [SEEDS, default 3]
#include <cstdio>
#include <cstdlib>

#include "sim/hot_spots.h"

namespace {

void print(const char* what, const playhead::sim::Peaks& peaks) {
  std::printf("  %-28s %6.3f %6.3f %6.3f\n", what, peaks.max, peaks.p99, peaks.mean);
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned long seeds = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 3;
  playhead::sim::DayOptions options;
  std::printf(
      "the busiest of %u nodes against the mean, 5-minute averages of a day; %u accounts,\n"
      "weight 1 / (rank + %.0f) ^ %.1f, %.0f reports/s on average\n",
      options.nodes, options.accounts, options.shift, options.exponent, options.reports_per_s);
  bool good = seeds > 0;
  for (options.seed = 1; options.seed <= seeds; ++options.seed) {
    const playhead::sim::HotSpots day = play_day(options);
    std::printf("seed %llu, hottest account: %.2f %% of a node's mean\n  %-28s %6s %6s %6s\n",
                static_cast<unsigned long long>(options.seed), day.hottest_percent, "", "max",
                "p99", "mean");
    print("account_id mod N", day.modulo);
    print("slots", day.slots);
    print("slots and the rebalancer", day.balanced);
    std::printf("  %llu slots moved, at most %llu in 5 minutes\n",
                static_cast<unsigned long long>(day.moves),
                static_cast<unsigned long long>(day.moves_5_min_max));
    good = good && day.balanced.max <= 1.15 && day.hottest_percent < 1;
  }
  std::printf("%s\n", good ? "passed: at most 1.15 with the rebalancer" : "FAILED");
  return good ? 0 : 1;
}
