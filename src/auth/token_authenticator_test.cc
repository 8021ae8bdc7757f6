// Where tokens are looked for in a request, what the cache spares, and keys that change.
#include "auth/token_authenticator.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "auth/token_test_kit.h"

namespace playhead {
namespace {

class TokenAuthenticatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "playhead-keys-" + std::to_string(::getpid()) + ".json";
    write({"hs", "es"});
    options_.keys_file = path_;
    auto made = TokenAuthenticator::open(options_, clock_);
    ASSERT_TRUE(made.has_value()) << made.error().detail;
    authenticator_ = *std::move(made);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  /// Puts another file in the place of the old one.
  void write_text(const std::string& text) {
    std::ofstream(path_ + ".new") << text;
    std::filesystem::rename(path_ + ".new", path_);
  }
  void write(std::initializer_list<const char*> ids) {
    KeySet keys;
    for (const char* id : ids) EXPECT_TRUE(keys.add(*test_keys().find(id)).has_value());
    write_text(jwks_of(keys, true));
  }

  std::string token(const char* key) const {
    return *mint_token({.account = "a1", .expires_at = kTestNow + 100'000},
                       {.issuer = "playhead", .audience = "playhead"}, *test_keys().find(key),
                       kTestNow);
  }
  bool takes(const std::string& authorization, const std::string& query = "") const {
    return authenticator_->authenticate({.authorization = authorization, .query = query})
        .has_value();
  }

  SetClock clock_{kTestNow};
  std::string path_;
  AuthOptions options_;
  std::unique_ptr<TokenAuthenticator> authenticator_;
};

TEST_F(TokenAuthenticatorTest, TakesTheTokenFromTheHeader) {
  EXPECT_TRUE(authenticator_->guards());
  EXPECT_TRUE(takes("Bearer " + token("hs")));
  EXPECT_TRUE(takes("bearer  " + token("es")));
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Bearer "), token("hs"),
        "Basic " + token("hs"), "Bearer " + token("hs") + " ", "Bearer\t" + token("hs"),
        "Bearer " + token("hs") + ", Basic x"})
    EXPECT_FALSE(takes(header)) << header;
}

TEST_F(TokenAuthenticatorTest, TakesTheTokenFromTheQueryItIsGiven) {
  const std::string query = "access_token=" + token("hs");
  EXPECT_TRUE(takes("", query));
  EXPECT_TRUE(takes("", "a=b&" + query + "&c=d"));
  EXPECT_FALSE(takes("", "access_token="));
  EXPECT_FALSE(takes("", "xaccess_token=" + token("hs")));
  EXPECT_FALSE(takes("", query + "%20"));
}

TEST_F(TokenAuthenticatorTest, RefusesTwoTokensEvenIfTheyAreTheSame) {
  const std::string query = "access_token=" + token("hs");
  EXPECT_FALSE(takes("Bearer " + token("hs"), query));
  EXPECT_FALSE(takes("", query + "&" + query));
}

TEST_F(TokenAuthenticatorTest, ChecksASignatureOnceAndAgainAfterItsEnd) {
  const std::string header = "Bearer " + token("es");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(takes(header));
  EXPECT_EQ(authenticator_->tokens_checked(), 1u);
  EXPECT_EQ(authenticator_->tokens_cached(), 1u);
  clock_.set(kTestNow + 100'000 + kTokenLeewayMs);
  EXPECT_FALSE(takes(header)) << "the cache outlives no token";
  EXPECT_EQ(authenticator_->tokens_checked(), 2u);
}

TEST_F(TokenAuthenticatorTest, KeepsNothingOfWhatIsRefused) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(takes("Bearer a.b." + std::to_string(i)));
  EXPECT_EQ(authenticator_->tokens_cached(), 0u);
}

TEST_F(TokenAuthenticatorTest, ShowsNothingOfARefusedToken) {
  const std::string forged = token("rs");
  const auto refused = authenticator_->authenticate({.authorization = "Bearer " + forged});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, Refusal::Kind::kUnknown);
  EXPECT_EQ(refused.error().detail, describe(TokenFault::kUnknownKey));
}

TEST_F(TokenAuthenticatorTest, GoesByTheKeysThatTheFileHasNow) {
  EXPECT_FALSE(authenticator_->refresh().value_or(true));
  EXPECT_TRUE(takes("Bearer " + token("hs")));
  write({"es", "rs"});
  EXPECT_TRUE(takes("Bearer " + token("hs"))) << "until somebody looks";
  EXPECT_TRUE(authenticator_->refresh().value_or(false));
  EXPECT_FALSE(takes("Bearer " + token("hs"))) << "its key has gone, so it goes though cached";
  EXPECT_TRUE(takes("Bearer " + token("rs")));
  EXPECT_FALSE(authenticator_->refresh().value_or(true));
}

TEST_F(TokenAuthenticatorTest, KeepsItsKeysWhileTheFileIsBrokenAndSaysSoOnce) {
  for (const char* text : {"", "{\"keys\": [", "{\"keys\": []}"}) {
    write_text(text);
    const auto refreshed = authenticator_->refresh();
    ASSERT_FALSE(refreshed.has_value()) << text;
    EXPECT_NE(refreshed.error().detail.find(path_), std::string::npos);
    EXPECT_FALSE(authenticator_->refresh().value_or(true));
    EXPECT_TRUE(takes("Bearer " + token("hs")));
  }
  std::filesystem::remove(path_);
  EXPECT_EQ(authenticator_->refresh().error().code, Errc::kNotFound);
  EXPECT_TRUE(takes("Bearer " + token("hs")));
  write({"es"});
  EXPECT_TRUE(authenticator_->refresh().value_or(false));
  EXPECT_FALSE(takes("Bearer " + token("hs")));
}

TEST_F(TokenAuthenticatorTest, DoesNotOpenWithoutAUsableKey) {
  EXPECT_FALSE(TokenAuthenticator::open({.keys_file = "/nonexistent"}, clock_).has_value());
  EXPECT_FALSE(TokenAuthenticator::open({.keys = {"{}"}}, clock_).has_value());
  const std::string encrypting = R"({"kty":"RSA","use":"enc","kid":"k"})";
  EXPECT_FALSE(TokenAuthenticator::open({.keys = {encrypting}}, clock_).has_value());
  const std::string secret = R"({"kty":"oct","kid":"hs","k":")" + test_secret() + R"("})";
  EXPECT_TRUE(TokenAuthenticator::open({.keys = {secret}}, clock_).has_value());
}

TEST_F(TokenAuthenticatorTest, LetsNoTokenAndNoAccountAskTooOften) {
  options_.token_requests_per_s_max = 5;
  options_.account_requests_per_s_max = 8;
  authenticator_ = *TokenAuthenticator::open(options_, clock_);
  const auto passed = [&](const std::string& shown) {
    int count = 0;
    for (int i = 0; i < 100; ++i) count += takes("Bearer " + shown) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(passed(token("hs")), 10) << "two seconds' worth of one token";
  EXPECT_EQ(passed(token("es")), 6) << "and what is left of the account's";
  const auto refused = authenticator_->authenticate({.authorization = "Bearer " + token("hs")});
  EXPECT_EQ(refused.error().kind, Refusal::Kind::kTooMany);
  const auto service = *mint_token({.kind = TokenKind::kService, .expires_at = kTestNow + 100'000},
                                   {.issuer = "playhead", .audience = "playhead"},
                                   *test_keys().find("hs"), kTestNow);
  EXPECT_EQ(passed(service), 10) << "no account's, but a token's";
  clock_.set(kTestNow + 1'000);
  EXPECT_EQ(passed(token("hs")), 5);
}

TEST_F(TokenAuthenticatorTest, AnswersManyThreadsWhileItsKeysChange) {
  options_.account_requests_per_s_max = 0;
  authenticator_ = *TokenAuthenticator::open(options_, clock_);
  const std::string always = token("es"), at_times = token("hs");
  std::atomic<bool> done = false;
  std::atomic<int> missed = 0, taken = 0;
  std::vector<std::jthread> askers;
  for (int i = 0; i < 3; ++i)
    askers.emplace_back([&] {
      while (!done) {
        missed += takes("Bearer " + always) ? 0 : 1;
        taken += takes("Bearer " + at_times) ? 1 : 0;
      }
    });
  for (int i = 0; i < 50; ++i) {
    write(i % 2 == 0 ? std::initializer_list<const char*>{"es"}
                     : std::initializer_list<const char*>{"es", "hs"});
    ASSERT_TRUE(authenticator_->refresh().value_or(false)) << i;
    // The last word is the file's: no thread puts an old belief back.
    ASSERT_EQ(takes("Bearer " + at_times), i % 2 == 1) << i;
  }
  done = true;
  askers.clear();
  EXPECT_EQ(missed, 0);
  EXPECT_GT(taken, 0);
}

TEST_F(TokenAuthenticatorTest, LetsTheServerListenAnywhere) {
  EXPECT_TRUE(check_listen(*authenticator_, "0.0.0.0").has_value());
}

}  // namespace
}  // namespace playhead
