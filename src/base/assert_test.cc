// A bug stops the process, in every build, and says where.
#include "base/assert.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

TEST(AssertDeathTest, StopsTheProcessAndNamesTheConditionAndThePlace) {
  EXPECT_DEATH(PLAYHEAD_ASSERT(1 + 1 == 3),
               "playhead: assertion failed: 1 \\+ 1 == 3 at .*assert_test\\.cc:[0-9]+");
}

TEST(Assert, LooksAtItsConditionOnceAndGoesOnWhenItHolds) {
  int looks = 0;
  PLAYHEAD_ASSERT(++looks == 1);
  EXPECT_EQ(looks, 1);
}

}  // namespace
}  // namespace playhead
