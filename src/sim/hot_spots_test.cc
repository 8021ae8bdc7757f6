// Goal: no node has much more to do than the others, however skewed the audience and its ids.
// Method: a day as in hot_spots.h, in coarse steps; bench/hot-spots plays it in fine ones.
#include "sim/hot_spots.h"

#include <gtest/gtest.h>

namespace playhead::sim {
namespace {

TEST(HotSpots, AreEvenedOutByTheRebalancerOverASkewedDay) {
  const HotSpots day = play_day({.step_ms = 100'000});
  EXPECT_LT(day.hottest_percent, 1.0) << "or no rebalancer could help";
  EXPECT_LE(day.balanced.max, 1.15);
  EXPECT_LT(day.balanced.mean, day.slots.mean);
  EXPECT_GT(day.modulo.mean, 2.0) << "these ids must be bad for `mod N`, or this shows nothing";
  EXPECT_GT(day.moves, 0u);
  EXPECT_LT(day.moves, 4'096u) << "fewer than one a slot and day";
}

}  // namespace
}  // namespace playhead::sim
