// Who may do what, and where a server without keys may listen.
#include <gtest/gtest.h>

#include "auth/authenticator.h"

namespace playhead {
namespace {

Caller member() {
  Caller caller;
  caller.account = "a1";
  caller.profile = "p1";
  caller.permissions = kMemberPermissions;
  return caller;
}

TEST(Allow, HidesOtherAccountsAndProfiles) {
  EXPECT_EQ(allow(member(), Permission::kReadProfile, "a1", "p1"), Verdict::kAllowed);
  EXPECT_EQ(allow(member(), Permission::kReadProfile, "a2", "p1"), Verdict::kHidden);
  EXPECT_EQ(allow(member(), Permission::kReadProfile, "a1", "p2"), Verdict::kHidden);
}

TEST(Allow, ForbidsWhatTheCallerMayNeverDo) {
  EXPECT_EQ(allow(member(), Permission::kOperate), Verdict::kForbidden);
  EXPECT_EQ(allow(Caller{}, Permission::kReport, "a1", "p1"), Verdict::kForbidden);
  EXPECT_EQ(allow(Caller{}, Permission::kPublic), Verdict::kAllowed);
}

TEST(Allow, LetsAnUnboundCallerActForEverybody) {
  Caller service;
  service.permissions = kMemberPermissions;
  EXPECT_EQ(allow(service, Permission::kDelete, "any", "one"), Verdict::kAllowed);
  EXPECT_FALSE(sees_redacted(service, "p9"));
}

TEST(Allow, RedactsOtherProfilesForAProfilesToken) {
  EXPECT_TRUE(sees_redacted(member(), "p2"));
  EXPECT_FALSE(sees_redacted(member(), "p1"));
}

TEST(OpenLoopback, LetsLocalCallersDoEverything) {
  const OpenLoopback open{AuthOptions{}};
  const auto caller = open.authenticate({.host = "127.0.0.1:8080"});
  ASSERT_TRUE(caller.has_value());
  EXPECT_EQ((*caller)->tenant, "_");
  EXPECT_EQ((*caller)->stream_limit, 4u);
  EXPECT_EQ(allow(**caller, Permission::kOperate), Verdict::kAllowed);
  EXPECT_TRUE(open.authenticate({.origin = "http://localhost:5173"}).has_value());
  EXPECT_TRUE(open.authenticate({.origin = "http://[::1]:5173"}).has_value());
}

// A page's own name may lead to this machine, and its requests then have no Origin.
TEST(OpenLoopback, RefusesOtherNamesThanThisMachines) {
  const OpenLoopback open{AuthOptions{}};
  for (const char* host : {"localhost:8080", "[::1]:8080", "127.0.0.1", "playhead.localhost"})
    EXPECT_TRUE(open.authenticate({.host = host}).has_value()) << host;
  for (const char* host : {"evil.example:8080", "127.0.0.1.evil.example", "10.0.0.1"}) {
    const auto refused = open.authenticate({.host = host});
    ASSERT_FALSE(refused.has_value()) << host;
    EXPECT_EQ(refused.error().kind, Refusal::Kind::kForbidden);
  }
}

TEST(OpenLoopback, RefusesPagesOfOtherSitesUnlessConfigured) {
  const OpenLoopback open{AuthOptions{.stream_limit = 0}};
  const auto refused = open.authenticate({.origin = "https://evil.example"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Refusal::Kind::kForbidden);
  EXPECT_FALSE(open.authenticate({.origin = "null"}).has_value());
  const auto allowed =
      open.authenticate({.origin = "https://player.example", .origin_allowed = true});
  ASSERT_TRUE(allowed.has_value());
  EXPECT_FALSE((*allowed)->stream_limit.has_value());
}

TEST(CheckListen, RefusesEverythingButLoopbackWithoutKeys) {
  const OpenLoopback open{AuthOptions{}};
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"})
    EXPECT_TRUE(check_listen(open, host).has_value()) << host;
  for (const char* host : {"0.0.0.0", "::", "192.168.1.2", "example.com", "", "127.0.0.1.nip.io"}) {
    const auto result = check_listen(open, host);
    ASSERT_FALSE(result.has_value()) << host;
    EXPECT_NE(result.error().detail.find("127.0.0.1"), std::string::npos);
  }
}

}  // namespace
}  // namespace playhead
