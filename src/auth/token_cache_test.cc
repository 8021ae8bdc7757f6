// What the cache gives back, and what it never does.
#include "auth/token_cache.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

std::shared_ptr<const Caller> caller_until(Instant expires_at) {
  Caller caller;
  caller.expires_at = expires_at;
  return std::make_shared<const Caller>(caller);
}

TEST(TokenCache, GivesBackWhatWasPutUntilItExpires) {
  TokenCache cache(100, 7);
  const auto caller = caller_until(Instant{1'000});
  cache.put("token", 1, caller);
  EXPECT_EQ(cache.find("token", 1, Instant{999}), caller);
  EXPECT_EQ(cache.find("token", 1, Instant{1'000}), nullptr);
  EXPECT_EQ(cache.find("tokem", 1, Instant{999}), nullptr);
  EXPECT_EQ(cache.find("token ", 1, Instant{999}), nullptr);
}

TEST(TokenCache, ForgetsWhatWasBelievedUnderOtherKeys) {
  TokenCache cache(100, 7);
  cache.put("token", 1, caller_until(kForEver));
  EXPECT_EQ(cache.find("token", 2, Instant{}), nullptr);
  cache.put("token", 2, caller_until(kForEver));
  EXPECT_NE(cache.find("token", 2, Instant{}), nullptr);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(TokenCache, StaysWithinItsBoundAndKeepsWhatIsAskedFor) {
  constexpr std::size_t kMax = 1'600;
  TokenCache cache(kMax, 7);
  cache.put("wanted", 1, caller_until(kForEver));
  for (int i = 0; i < 20'000; ++i) {
    cache.put("token-" + std::to_string(i), 1, caller_until(kForEver));
    ASSERT_LE(cache.size(), kMax);
    ASSERT_NE(cache.find("wanted", 1, Instant{}), nullptr) << i;
  }
  EXPECT_GT(cache.size(), kMax / 4);
  EXPECT_EQ(cache.find("token-0", 1, Instant{}), nullptr);
}

}  // namespace
}  // namespace playhead
