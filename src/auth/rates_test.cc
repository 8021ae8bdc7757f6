// Bursts pass, more does not, and nobody pays for somebody else.
#include "auth/rates.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace playhead {
namespace {

constexpr Millis kNow = 1'000'000;

int taken(Rates& rates, std::uint64_t key, std::uint32_t per_s, int tries, Millis now) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += rates.take(key, per_s, now) ? 1 : 0;
  return count;
}

TEST(Rates, LetABurstOfTwoSecondsPassAndThenTheRate) {
  Rates rates;
  const std::uint64_t key = hash_bytes("somebody");
  EXPECT_EQ(taken(rates, key, 10, 100, kNow), 20);
  EXPECT_EQ(taken(rates, key, 10, 100, kNow + 99), 0);
  EXPECT_EQ(taken(rates, key, 10, 100, kNow + 100), 1);
  EXPECT_EQ(taken(rates, key, 10, 100, kNow + 1'100), 10);
  EXPECT_EQ(taken(rates, key, 10, 100, kNow + 60'000), 20) << "what is not used is not saved";
}

TEST(Rates, AreOffAtZero) {
  Rates rates;
  EXPECT_EQ(taken(rates, 7, 0, 1'000, kNow), 1'000);
}

TEST(Rates, OfManyAreNotInEachOthersWay) {
  Rates rates;
  int refused = 0;
  for (int i = 0; i < 5'000; ++i)
    refused += taken(rates, hash_bytes("account-" + std::to_string(i)), 1, 3, kNow) != 2 ? 1 : 0;
  EXPECT_LE(refused, 25);
  EXPECT_EQ(taken(rates, hash_bytes("account-7"), 1, 1, kNow), 0);
}

}  // namespace
}  // namespace playhead
