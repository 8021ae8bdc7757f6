// Which keys are taken, which are passed over, and which refuse the whole set.
#include "auth/jwk.h"

#include <gtest/gtest.h>

#include "auth/base64url.h"

namespace playhead {
namespace {

const std::string kSecret = base64url(std::string(32, 's'));

std::string secret_key(const std::string& id) {
  return R"({"kty":"oct","kid":")" + id + R"(","k":")" + kSecret + R"("})";
}

std::string error_of(const std::string& json) {
  KeySet keys;
  const auto added = add_jwk(json, keys);
  return added ? "" : added.error().detail;
}

/// The public key of `algorithm` as JSON, with one text replaced.
std::string changed_key(Algorithm algorithm, std::string_view from, std::string_view to) {
  KeySet keys;
  EXPECT_TRUE(keys.add(*Key::generate("k", algorithm)).has_value());
  std::string text = jwks_of(keys, false);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << text;
  return text.replace(at, from.size(), to);
}

TEST(Jwk, PassesOverKeysThatAreForSomethingElse) {
  KeySet keys;
  for (const char* json :
       {R"({"kty":"RSA","kid":"a","use":"enc"})", R"({"kty":"EC","crv":"P-384","kid":"b"})",
        R"({"kty":"OKP","crv":"X25519","kid":"c"})", R"({"kty":"RSA","alg":"PS256","kid":"d"})",
        R"({"kty":"oct","alg":"HS512","kid":"e"})", R"({"kty":"AKP","kid":"f"})",
        R"({"kty":"RSA","alg":"HS256","kid":"g"})"})
    EXPECT_TRUE(add_jwk(json, keys).has_value()) << json;
  EXPECT_TRUE(keys.all().empty());
}

TEST(Jwk, RefusesAKeyThatTokensCanNotName) {
  EXPECT_NE(error_of(R"({"kty":"oct","k":")" + kSecret + R"("})"), "");
  EXPECT_NE(error_of(secret_key("")), "");
  EXPECT_NE(error_of(secret_key("a b")), "");
  EXPECT_NE(error_of(secret_key(std::string(257, 'x'))), "");
  EXPECT_EQ(error_of(secret_key("k")), "");
}

TEST(Jwk, RefusesShortSecretsAndSaysNothingOfThem) {
  const std::string weak = base64url("31 bytes are not enough for it!");
  const std::string error = error_of(R"({"kty":"oct","kid":"k","k":")" + weak + R"("})");
  EXPECT_NE(error.find("'k'"), std::string::npos);
  EXPECT_EQ(error.find(weak), std::string::npos);
}

TEST(Jwk, RefusesRsaKeysThatAreShortOrCostTooMuch) {
  const std::string n = base64url("\xff" + std::string(127, '\x01'));  // 1,024 bits
  EXPECT_NE(error_of(R"({"kty":"RSA","kid":"k","e":"AQAB","n":")" + n + R"("})"), "");
  const std::string huge = base64url("\xff" + std::string(1024, '\x01'));
  EXPECT_NE(error_of(R"({"kty":"RSA","kid":"k","e":"AQAB","n":")" + huge + R"("})"), "");
  KeySet keys;
  EXPECT_FALSE(
      add_jwks(changed_key(Algorithm::kRs256, R"("e":"AQAB")", R"("e":"AQABAQABAQABAQAB")"), keys)
          .has_value());
}

TEST(Jwk, RefusesPointsThatAreNotOnTheCurve) {
  KeySet keys;
  EXPECT_FALSE(add_jwks(changed_key(Algorithm::kEs256, R"("x":")", R"("x":"AAAA", "was":")"), keys)
                   .has_value());
  EXPECT_NE(error_of(R"({"kty":"EC","crv":"P-256","kid":"k","x":")" + kSecret + R"(","y":")" +
                     kSecret + R"("})"),
            "");
}

TEST(Jwk, RefusesAPrivatePartOfAnotherKey) {
  for (const Algorithm algorithm : {Algorithm::kEs256, Algorithm::kEdDsa}) {
    KeySet one, other, mixed;
    ASSERT_TRUE(one.add(*Key::generate("k", algorithm)).has_value());
    ASSERT_TRUE(other.add(*Key::generate("k", algorithm)).has_value());
    const std::string from = jwks_of(other, true);
    std::string text = jwks_of(one, true);
    constexpr std::string_view kName = "\"d\":\"";
    const std::size_t at = text.find(kName) + kName.size();
    text.replace(at, 43, from.substr(from.find(kName) + kName.size(), 43));
    EXPECT_FALSE(add_jwks(text, mixed).has_value()) << name_of(algorithm);
  }
}

TEST(Jwks, RefusesTwoKeysOfOneIdAndTooMany) {
  KeySet keys;
  EXPECT_FALSE(
      add_jwks("{\"keys\":[" + secret_key("k") + "," + secret_key("k") + "]}", keys).has_value());
  KeySet many;
  for (std::size_t i = 0; i < KeySet::kKeysMax; ++i)
    ASSERT_TRUE(add_jwk(secret_key("k" + std::to_string(i)), many).has_value());
  EXPECT_FALSE(add_jwk(secret_key("more"), many).has_value());
}

TEST(Jwks, RefusesWhatHoldsNoKeyOfOurs) {
  for (const char* json : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[1]})",
                           R"({"keys":[{"kty":"RSA","use":"enc","kid":"k"}]})"}) {
    KeySet keys;
    EXPECT_FALSE(add_jwks(json, keys).has_value()) << json;
  }
}

TEST(Jwks, SaysWhichFileCanNotBeRead) {
  KeySet keys;
  const auto read = add_jwks_file("/nonexistent/keys.json", keys);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Errc::kNotFound);
  EXPECT_NE(read.error().detail.find("/nonexistent/keys.json"), std::string::npos);
}

}  // namespace
}  // namespace playhead
