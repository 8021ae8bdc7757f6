// What an operator may write, and what not.
#include "cache/servers.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

TEST(CacheServers, AreHostsWithTheirPorts) {
  const auto read = parse_cache_servers("10.0.0.1:11211, cache-2.example:1 ,[::1]:6379");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, (std::vector<CacheServer>{
                       {"10.0.0.1", 11'211}, {"cache-2.example", 1}, {"::1", 6'379}}));
}

TEST(CacheServers, AreRefusedAsSoonAsOneOfThemIsWrong) {
  for (const char* text : {"", ",", "a", "a:", ":1", "a:0", "a:65536", "a:-1", "a:1x", "a:1,",
                           "::1:6379", "a b:1", "http://a:1", "[]:1", "a:1,a:1", "redis://a/0"})
    EXPECT_FALSE(parse_cache_servers(text)) << text;
  std::string many = "h0:1";
  for (std::size_t i = 1; i < kCacheServersMax; ++i) many += ",h" + std::to_string(i) + ":1";
  EXPECT_TRUE(parse_cache_servers(many));
  EXPECT_FALSE(parse_cache_servers(many + ",more:1"));
}

}  // namespace
}  // namespace playhead
