// A route without a permission that guards it can't be written down.
#include "http/routes.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace playhead {
namespace {

using enum Permission;

Task<Reply> answer(Request) { co_return Reply{}; }

// Neither constructor can do without.
static_assert(std::is_constructible_v<Route, Method, std::string_view, Permission, Place, Takes,
                                      Gives, Handler>);
static_assert(
    !std::is_constructible_v<Route, Method, std::string_view, Place, Takes, Gives, Handler>);
static_assert(std::is_constructible_v<Route, Method, std::string_view, Permission, Takes, Feed>);
static_assert(!std::is_constructible_v<Route, Method, std::string_view, Takes, Feed>);
static_assert(!std::is_default_constructible_v<Route>);
// And a number is none.
static_assert(
    !std::is_constructible_v<Route, Method, std::string_view, int, Place, Takes, Gives, Handler>);

TEST(Route, NamesWhoseThingsItShowsOrItsPermissionGuardsNothing) {
  constexpr std::string_view kOfAccount = "/v1/accounts/{a}/things/{x}";
  constexpr std::string_view kOfProfile = "/v1/accounts/{a}/profiles/{p}/things";
  EXPECT_TRUE(is_guarded("/livez", kPublic));
  EXPECT_FALSE(is_guarded(kOfAccount, kPublic));
  EXPECT_FALSE(is_guarded(kOfProfile, kPublic));
  EXPECT_FALSE(is_guarded("/v1/things", kPublic));
  for (const Permission permission : {kReadProfile, kWriteProfile, kDelete}) {
    EXPECT_TRUE(is_guarded(kOfProfile, permission));
    EXPECT_FALSE(is_guarded(kOfAccount, permission));
    EXPECT_FALSE(is_guarded("/v1/profiles/{p}", permission));
  }
  for (const Permission permission : {kReadViewers, kTerminate}) {
    EXPECT_TRUE(is_guarded(kOfAccount, permission));
    EXPECT_FALSE(is_guarded(kOfProfile, permission)) << "which says nothing of profiles";
    EXPECT_FALSE(is_guarded("/v1/things", permission));
  }
  EXPECT_TRUE(is_guarded(kOfAccount, kErase));
  EXPECT_TRUE(is_guarded(kOfProfile, kErase));
  EXPECT_FALSE(is_guarded("/v1/things", kErase));
  EXPECT_TRUE(is_guarded("/v1/reports", kReport));
  EXPECT_FALSE(is_guarded(kOfAccount, kOperate));
}

// The guard runs when the table is compiled: this line would not compile with kPublic.
constexpr Route kGuarded(Method::kGet, "/v1/accounts/{a}/things", kReadViewers, Place::kPublic,
                         Takes::kNothing, Gives::kJson, answer);

TEST(Route, TakesATokenFromTheQueryOnlyWhereNoHeaderCanBeSet) {
  EXPECT_FALSE(kGuarded.takes_token_in_query());
  int taking = 0;
  for (const Route& route : routes()) {
    EXPECT_TRUE(is_guarded(route.pattern, route.permission)) << route.pattern;
    if (!route.takes_token_in_query()) continue;
    ++taking;
    EXPECT_TRUE(route.feed != Feed::kNone || route.pattern.ends_with("/stream")) << route.pattern;
  }
  EXPECT_EQ(taking, 3);
}

}  // namespace
}  // namespace playhead
