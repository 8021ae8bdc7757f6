// The breaker, over made-up time.
#include "cache/breaker.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

TEST(Breaker, AdmitsUntilTooManyCallsHaveFailedInARow) {
  Breaker breaker(3, 1'000);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(breaker.admit(0));
      breaker.failed(0);
    }
    EXPECT_TRUE(breaker.admit(0));
    breaker.succeeded();
  }
  EXPECT_EQ(breaker.opened(), 0u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(breaker.admit(50));
    breaker.failed(50);
  }
  EXPECT_FALSE(breaker.admit(50));
  EXPECT_FALSE(breaker.admit(1'049));
  EXPECT_EQ(breaker.opened(), 1u);
}

TEST(Breaker, LetsOneCallProbeAfterTheSilence) {
  Breaker breaker(1, 1'000);
  EXPECT_TRUE(breaker.admit(0));
  breaker.failed(0);
  EXPECT_TRUE(breaker.admit(1'000));
  EXPECT_FALSE(breaker.admit(1'000)) << "one is enough";
  breaker.failed(1'050);
  EXPECT_FALSE(breaker.admit(2'049));
  EXPECT_EQ(breaker.opened(), 2u);
  EXPECT_TRUE(breaker.admit(2'050));
  breaker.succeeded();
  EXPECT_TRUE(breaker.admit(2'050));
  EXPECT_TRUE(breaker.admit(2'050));
}

TEST(Breaker, IsNotHeldOpenByCallsThatWereUnderWayWhenItOpened) {
  Breaker breaker(2, 1'000);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(breaker.admit(0));
  for (int i = 0; i < 10; ++i) breaker.failed(i * 100);
  EXPECT_EQ(breaker.opened(), 1u);
  EXPECT_FALSE(breaker.admit(1'099));
  EXPECT_TRUE(breaker.admit(1'100)) << "the second failure began the silence, at 100";
}

}  // namespace
}  // namespace playhead
