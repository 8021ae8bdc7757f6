// A store whose history is read through a real Memcached passes the contract of stores.
#include <gtest/gtest.h>

#include "cache/cached_store_kit.h"
#include "cache/memcached/memcached_client.h"

namespace playhead {
namespace {

struct MemcachedMaker {
  static TestServer::Command command() { return memcached_command(); }
  static Result<std::unique_ptr<Cache>> make(std::uint16_t port, const Clock& clock) {
    return make_memcached_cache({{.host = "127.0.0.1", .port = port}}, {.name = "test"}, clock);
  }
};
using CachedMemcachedHarness = CachedStoreHarness<MemcachedMaker>;

INSTANTIATE_TYPED_TEST_SUITE_P(Memcached, StoreContract, CachedMemcachedHarness);

TEST(CachedStoreOverMemcached, HitsAndLosesNothingWhenItsCacheIsKilled) {
  CachedMemcachedHarness harness;
  expect_hits_and_survival(harness);
}

}  // namespace
}  // namespace playhead
