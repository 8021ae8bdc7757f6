// A store whose history is read through a real Redis passes the contract of stores.
#include <gtest/gtest.h>

#include "cache/cached_store_kit.h"
#include "cache/redis/redis_client.h"

namespace playhead {
namespace {

struct RedisMaker {
  static TestServer::Command command() { return redis_command(); }
  static Result<std::unique_ptr<Cache>> make(std::uint16_t port, const Clock& clock) {
    return make_redis_cache({.host = "127.0.0.1", .port = port}, {.name = "test"}, clock);
  }
};
using CachedRedisHarness = CachedStoreHarness<RedisMaker>;

INSTANTIATE_TYPED_TEST_SUITE_P(Redis, StoreContract, CachedRedisHarness);

TEST(CachedStoreOverRedis, HitsAndLosesNothingWhenItsCacheIsKilled) {
  CachedRedisHarness harness;
  expect_hits_and_survival(harness);
}

}  // namespace
}  // namespace playhead
