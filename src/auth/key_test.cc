// Signatures of every kind: the standards' own examples, and that a changed one is none.
#include "auth/key.h"

#include <gtest/gtest.h>

#include "auth/base64url.h"
#include "auth/jwk.h"

namespace playhead {
namespace {

constexpr Algorithm kAll[] = {Algorithm::kHs256, Algorithm::kRs256, Algorithm::kEs256,
                              Algorithm::kEdDsa};

/// Does the key that `jwk` is believe `token`?
bool believes(std::string_view jwk, std::string_view token) {
  KeySet keys;
  const auto added = add_jwk(jwk, keys);
  EXPECT_TRUE(added.has_value()) << added.error().detail;
  const std::size_t dot = token.rfind('.');
  return keys.all().begin()->second.verify(token.substr(0, dot),
                                           *base64url_decode(token.substr(dot + 1)));
}

TEST(Key, BelievesTheExampleOfRfc7515ForHs256) {
  EXPECT_TRUE(believes(
      R"({"kty":"oct","kid":"k","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
}

TEST(Key, BelievesTheExampleOfRfc7515ForEs256) {
  EXPECT_TRUE(believes(
      R"({"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ."
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"));
}

TEST(Key, BelievesTheExampleOfRfc8037ForEdDsa) {
  EXPECT_TRUE(believes(
      R"({"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"));
}

TEST(Key, BelievesItsOwnSignatureAndNoOther) {
  for (const Algorithm algorithm : kAll) {
    SCOPED_TRACE(name_of(algorithm));
    const auto key = Key::generate("k", algorithm), other = Key::generate("k", algorithm);
    ASSERT_TRUE(key.has_value() && other.has_value());
    const auto signature = key->sign("message");
    ASSERT_TRUE(signature.has_value());
    EXPECT_TRUE(key->verify("message", *signature));
    EXPECT_FALSE(key->verify("Message", *signature));
    EXPECT_FALSE(key->verify("message", ""));
    EXPECT_FALSE(key->verify("message", *signature + '\0'));
    EXPECT_FALSE(key->verify("message", signature->substr(1)));
    EXPECT_FALSE(other->verify("message", *signature));
    for (const std::size_t at : {std::size_t{0}, signature->size() / 2, signature->size() - 1}) {
      std::string changed = *signature;
      changed[at] ^= 1;
      EXPECT_FALSE(key->verify("message", changed)) << at;
    }
    EXPECT_FALSE(key->verify("message", std::string(signature->size(), '\0'))) << "all zeros";
  }
}

TEST(Key, ComesBackFromItsJsonWithAndWithoutItsPrivatePart) {
  for (const Algorithm algorithm : kAll) {
    SCOPED_TRACE(name_of(algorithm));
    KeySet made, whole, open;
    ASSERT_TRUE(made.add(*Key::generate("k", algorithm)).has_value());
    const auto read = add_jwks(jwks_of(made, true), whole);
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    ASSERT_TRUE(whole.find("k")->can_sign());
    const auto signature = whole.find("k")->sign("message");
    ASSERT_TRUE(signature.has_value());
    EXPECT_TRUE(made.find("k")->verify("message", *signature));
    const std::string shown = jwks_of(made, false);
    EXPECT_EQ(shown.find("\"d\""), std::string::npos);
    if (algorithm == Algorithm::kHs256) {
      EXPECT_EQ(shown, "{\"keys\": [\n]}\n") << "a secret has no public part";
      continue;
    }
    ASSERT_TRUE(add_jwks(shown, open).has_value());
    EXPECT_TRUE(open.find("k")->verify("message", *signature));
    EXPECT_FALSE(open.find("k")->can_sign());
    EXPECT_EQ(open.find("k")->sign("message").error().code, Errc::kInvalidArgument);
  }
}

}  // namespace
}  // namespace playhead
