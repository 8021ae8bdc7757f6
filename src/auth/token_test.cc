// Every reason for which a token is refused, and what is made of one that is not.
#include "auth/token.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "auth/token_test_kit.h"

namespace playhead {
namespace {

const TokenRules kRules{.issuer = "playhead", .audience = "playhead"};
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT","kid":"hs"})";

std::expected<Claims, TokenFault> check(std::string_view token, Instant now = kTestNow) {
  return check_token(token, test_keys(), kRules, now);
}

/// The fault of what is signed with the secret; the test fails if there is none.
TokenFault fault_of(std::string_view header, std::string_view claims, Instant now = kTestNow) {
  const auto checked = check(sign_token(header, claims, *test_keys().find("hs")), now);
  EXPECT_FALSE(checked.has_value()) << header << claims;
  return checked ? TokenFault::kAbsent : checked.error();
}

TokenFault fault_of_claims(std::string_view claims, Instant now = kTestNow) {
  return fault_of(kHeader, claims, now);
}

TEST(Token, IsBelievedIfSignedByAKeyOfItsAlgorithm) {
  const Claims claims{.account = "a1", .profile = "p1", .expires_at = kTestNow + 100'000};
  for (const auto& [id, key] : test_keys().all()) {
    const auto token = mint_token(claims, kRules, key, kTestNow);
    ASSERT_TRUE(token.has_value()) << id;
    const auto checked = check(*token);
    ASSERT_TRUE(checked.has_value()) << id << describe(checked.error());
    EXPECT_EQ(checked->kind, TokenKind::kViewer);
    EXPECT_EQ(checked->tenant, "_");
    EXPECT_EQ(checked->account, "a1");
    EXPECT_EQ(checked->profile, "p1");
    EXPECT_EQ(checked->expires_at, claims.expires_at);
  }
}

TEST(Token, IsRefusedWhoseAlgorithmIsNone) {
  for (const char* name : {"none", "None", "NONE", ""}) {
    const std::string header = R"({"alg":")" + std::string(name) + R"(","kid":"hs"})";
    const std::string open = base64url(header) + '.' + base64url(viewer_claims());
    EXPECT_EQ(check(open + '.').error(), TokenFault::kAlgorithm) << name;
    EXPECT_EQ(fault_of(header, viewer_claims()), TokenFault::kAlgorithm) << name;
  }
}

TEST(Token, IsRefusedThatSignsWithAPublicKeyAsIfItWereASecret) {
  for (const char* id : {"rs", "es", "ed"}) {
    KeySet open;
    ASSERT_TRUE(open.add(*test_keys().find(id)).has_value());
    const std::string header = R"({"alg":"HS256","kid":")" + std::string(id) + R"("})";
    const Key forged = Key::of_secret(id, jwks_of(open, false).substr(0, 64));
    const auto checked = check(sign_token(header, viewer_claims(), forged));
    ASSERT_FALSE(checked.has_value());
    EXPECT_EQ(checked.error(), TokenFault::kAlgorithm) << id;
  }
}

TEST(Token, IsRefusedWhoseAlgorithmIsNotItsKeys) {
  EXPECT_EQ(fault_of(R"({"alg":"RS256","kid":"hs"})", viewer_claims()), TokenFault::kAlgorithm);
  EXPECT_EQ(fault_of(R"({"alg":"hs256","kid":"hs"})", viewer_claims()), TokenFault::kAlgorithm);
  EXPECT_EQ(fault_of(R"({"alg":"HS512","kid":"hs"})", viewer_claims()), TokenFault::kAlgorithm);
}

TEST(Token, IsRefusedThatNamesNoKnownKey) {
  EXPECT_EQ(fault_of(R"({"alg":"HS256","kid":"other"})", viewer_claims()), TokenFault::kUnknownKey);
  EXPECT_EQ(fault_of(R"({"alg":"HS256"})", viewer_claims()), TokenFault::kUnknownKey);
  EXPECT_EQ(fault_of(R"({"alg":"HS256","jwk":{"kty":"oct"}})", viewer_claims()),
            TokenFault::kUnknownKey);
}

TEST(Token, IsRefusedWhoseHeaderIsNone) {
  for (const char* header :
       {"", "[]", "{", "null", R"({"kid":"hs"})", R"({"alg":1,"kid":"hs"})",
        R"({"alg":"HS256","alg":"HS256","kid":"hs"})", R"({"alg":"HS256","kid":"hs","kid":"hs"})",
        R"({"alg":"HS256","kid":7})", R"({"alg":"HS256","kid":"hs","typ":"JWE"})",
        R"({"alg":"HS256","kid":"hs","typ":1})"})
    EXPECT_EQ(fault_of(header, viewer_claims()), TokenFault::kMalformed) << header;
}

TEST(Token, IsRefusedThatDemandsAnExtension) {
  EXPECT_EQ(fault_of(R"({"alg":"HS256","kid":"hs","crit":["b64"],"b64":false})", viewer_claims()),
            TokenFault::kCritical);
}

TEST(Token, IsRefusedThatHasNotThreeParts) {
  const std::string good = sign_token(kHeader, viewer_claims(), *test_keys().find("hs"));
  ASSERT_TRUE(check(good).has_value());
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), good + ".",
        good + ".e", "." + good, good.substr(0, good.rfind('.')), good + " ", good + "=",
        " " + good, std::string(kTokenBytesMax + 1, 'a')})
    EXPECT_EQ(check(token).error(), TokenFault::kMalformed) << token;
}

TEST(Token, IsRefusedIfAnyByteOfItHasChanged) {
  for (const auto& [id, key] : test_keys().all()) {
    const std::string header =
        R"({"alg":")" + std::string(name_of(key.algorithm())) + R"(","kid":")" + id + R"("})";
    const std::string good = sign_token(header, viewer_claims(), key);
    ASSERT_TRUE(check(good).has_value()) << id;
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = bad[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(check(bad).has_value()) << id << " at " << i;
    }
  }
}

TEST(Token, IsRefusedFromOthersOrForOthers) {
  const auto claims = [](const char* text) {
    return R"({"exp":1800000100,"kind":"viewer","account":"a1")" + std::string(text) + "}";
  };
  EXPECT_EQ(fault_of_claims(claims(R"(,"aud":"playhead")")), TokenFault::kIssuer);
  EXPECT_EQ(fault_of_claims(claims(R"(,"iss":"Playhead","aud":"playhead")")), TokenFault::kIssuer);
  EXPECT_EQ(fault_of_claims(claims(R"(,"iss":"playhead")")), TokenFault::kAudience);
  EXPECT_EQ(fault_of_claims(claims(R"(,"iss":"playhead","aud":"other")")), TokenFault::kAudience);
  EXPECT_EQ(fault_of_claims(claims(R"(,"iss":"playhead","aud":[])")), TokenFault::kAudience);
  EXPECT_EQ(fault_of_claims(claims(R"(,"iss":"playhead","aud":["other",1])")),
            TokenFault::kAudience);
  EXPECT_TRUE(check(sign_token(kHeader, claims(R"(,"iss":"playhead","aud":["x","playhead"])"),
                               *test_keys().find("hs")))
                  .has_value());
}

TEST(Token, ExpiresSixtySecondsAfterItsTimeAndNotBefore) {
  const Instant exp{1'800'000'100'000};
  const auto token = sign_token(kHeader, viewer_claims(), *test_keys().find("hs"));
  EXPECT_TRUE(check(token, exp + 59'999).has_value());
  EXPECT_EQ(check(token, exp + 60'000).error(), TokenFault::kExpired);
}

TEST(Token, BeginsSixtySecondsBeforeItsTimeAndNotSooner) {
  const Instant begin{1'800'000'050'000};
  const auto token =
      sign_token(kHeader, viewer_claims(R"(,"nbf":1800000050)"), *test_keys().find("hs"));
  EXPECT_TRUE(check(token, begin - 60'000).has_value());
  EXPECT_EQ(check(token, begin - 60'001).error(), TokenFault::kTooEarly);
}

TEST(Token, IsRefusedWhoseTimesMakeNoSense) {
  const auto with = [](const char* exp) {
    return R"({"iss":"playhead","aud":"playhead","kind":"viewer","account":"a1")" +
           std::string(exp) + "}";
  };
  EXPECT_EQ(fault_of_claims(with("")), TokenFault::kClaims) << "a token without an end";
  for (const char* exp :
       {R"(,"exp":"1800000100")", R"(,"exp":-1)", R"(,"exp":1e300)", R"(,"exp":null)",
        R"(,"exp":true)", R"(,"exp":253402300800)", R"(,"exp":1800000100,"exp":1800000100)",
        R"(,"exp":1800000100,"nbf":"0")"})
    EXPECT_EQ(fault_of_claims(with(exp)), TokenFault::kClaims) << exp;
  EXPECT_TRUE(check(sign_token(kHeader, with(R"(,"exp":1800000100.5)"), *test_keys().find("hs")))
                  .has_value());
}

TEST(Token, IsRefusedWhoseClaimsDoNotFitItsKind) {
  const auto of = [](const char* text) {
    return R"({"iss":"playhead","aud":"playhead","exp":1800000100)" + std::string(text) + "}";
  };
  for (const char* text :
       {"", R"(,"kind":"root")", R"(,"kind":"viewer")", R"(,"kind":"viewer","profile":"p1")",
        R"(,"kind":"service","account":"a1")", R"(,"kind":"service","profile":"p1")",
        R"(,"kind":"service","delete":true)", R"(,"kind":"operator","account":"a1")",
        R"(,"kind":"operator","stream_limit":2)", R"(,"kind":1)", R"(,"account":"a1")",
        R"(,"kind":"viewer","kind":"operator","account":"a1")"})
    EXPECT_EQ(fault_of_claims(of(text)), TokenFault::kClaims) << text;
  EXPECT_EQ(fault_of_claims("[]"), TokenFault::kClaims);
  EXPECT_EQ(fault_of_claims("{"), TokenFault::kClaims);
}

TEST(Token, IsRefusedWhoseIdsAndLimitsAreNone) {
  for (const char* more :
       {R"(,"profile":"")", R"(,"profile":"a b")", R"(,"profile":null)", R"(,"tenant":"")",
        R"(,"tenant":"a/b")", R"(,"tenant":1)", R"(,"account":"a2")", R"(,"stream_limit":0)",
        R"(,"stream_limit":-1)", R"(,"stream_limit":10001)", R"(,"stream_limit":"2")",
        R"(,"stream_limit":1.5)", R"(,"delete":"yes")", R"(,"delete":1)"})
    EXPECT_EQ(fault_of_claims(viewer_claims(more)), TokenFault::kClaims) << more;
}

TEST(Token, SaysNothingOfItselfWhenItIsRefused) {
  for (int fault = 0; fault <= static_cast<int>(TokenFault::kTooEarly); ++fault)
    EXPECT_FALSE(describe(static_cast<TokenFault>(fault)).empty()) << fault;
}

RC_GTEST_PROP(Token, IsRefusedWhateverElseItIs, (const std::string& text)) {
  RC_ASSERT(!check(text).has_value());
}

TEST(CallerOf, GivesEachKindItsPermissions) {
  const Claims viewer{.account = "a1", .profile = "p1", .expires_at = kTestNow};
  const Caller caller = caller_of(viewer, 4);
  EXPECT_EQ(caller.account, "a1");
  EXPECT_EQ(caller.profile, "p1");
  EXPECT_EQ(caller.stream_limit, 4u);
  EXPECT_EQ(caller.expires_at, kTestNow + kTokenLeewayMs);
  EXPECT_EQ(allow(caller, Permission::kReadProfile, "a1", "p1"), Verdict::kAllowed);
  EXPECT_EQ(allow(caller, Permission::kDelete, "a1", "p1"), Verdict::kForbidden);
  EXPECT_EQ(allow(caller, Permission::kOperate), Verdict::kForbidden);

  Claims deleting = viewer;
  deleting.may_delete = true;
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kDelete, "a1", "p1"), Verdict::kAllowed);
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kDelete, "a1", "p2"), Verdict::kHidden);
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kErase, "a1", "p1"), Verdict::kAllowed);
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kErase, "a1", "p2"), Verdict::kHidden);
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kErase, "a1"), Verdict::kForbidden)
      << "one profile can't erase the others";
  deleting.profile.reset();
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kErase, "a1"), Verdict::kAllowed);
  EXPECT_EQ(allow(caller_of(deleting, 4), Permission::kErase, "a2"), Verdict::kHidden);

  const Caller service =
      caller_of({.kind = TokenKind::kService, .tenant = "t", .stream_limit = 9}, 0);
  EXPECT_EQ(service.tenant, "t");
  EXPECT_EQ(service.stream_limit, 9u);
  EXPECT_EQ(allow(service, Permission::kDelete, "any", "one"), Verdict::kAllowed);
  EXPECT_EQ(allow(service, Permission::kOperate), Verdict::kForbidden);

  const Caller op = caller_of({.kind = TokenKind::kOperator}, 0);
  EXPECT_EQ(allow(op, Permission::kOperate), Verdict::kAllowed);
  EXPECT_EQ(allow(op, Permission::kReadViewers, "a1"), Verdict::kForbidden);
  EXPECT_FALSE(op.stream_limit.has_value());
}

}  // namespace
}  // namespace playhead
