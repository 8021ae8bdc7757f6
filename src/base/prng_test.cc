// The generator: a seed must replay a run for ever, and its ranges must hold.
#include "base/prng.h"

#include <gtest/gtest.h>

#include <array>

namespace playhead {
namespace {

// Source: the reference outputs of SplitMix64 for the seed 1234567.
TEST(Prng, GivesThePublishedNumbersOfSplitMix64) {
  Prng prng(1234567);
  EXPECT_EQ(prng.next(), 6457827717110365317u);
  EXPECT_EQ(prng.next(), 3203168211198807973u);
  EXPECT_EQ(prng.next(), 9817491932198370423u);
  EXPECT_EQ(prng.next(), 4593380528125082431u);
  EXPECT_EQ(prng.next(), 16408922859458223821u);
}

TEST(Prng, StaysBelowItsBoundAndReachesAllOfIt) {
  Prng prng(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) {
    const std::uint64_t drawn = prng.below(7);
    ASSERT_LT(drawn, 7u);
    ++seen[drawn];
  }
  for (const int count : seen) EXPECT_GT(count, 800);
}

TEST(Prng, GivesZeroBelowZeroAndBelowOne) {
  Prng prng(1);
  EXPECT_EQ(prng.below(0), 0u);
  EXPECT_EQ(prng.below(1), 0u);
}

TEST(Prng, ChancesAreInThousandths) {
  Prng prng(1);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_FALSE(prng.chance(0));
    ASSERT_TRUE(prng.chance(1000));
    hits += prng.chance(250);
  }
  EXPECT_GT(hits, 24'000);
  EXPECT_LT(hits, 26'000);
}

}  // namespace
}  // namespace playhead
