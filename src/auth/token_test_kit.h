// What the tests of tokens share: keys, and tokens that are wrong in one thing each.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "auth/base64url.h"
#include "auth/token.h"
#include "runtime/clock.h"

namespace playhead {

/// Stands still until it is told.
class SetClock final : public Clock {
 public:
  explicit SetClock(Instant now) : now_(now) {}
  Instant now() const override { return now_; }
  Millis monotonic_ms() const override { return now_.ms; }
  void set(Instant now) { now_ = now; }

 private:
  Instant now_;
};

inline constexpr Instant kTestNow{1'800'000'000'000};

/// The base64url of a secret that signs by HS256.
inline std::string test_secret() { return base64url(std::string(32, 's')); }

/// One key of each kind, made once: "hs", "rs", "es", "ed".
inline const KeySet& test_keys() {
  static const KeySet kKeys = [] {
    KeySet keys;
    EXPECT_TRUE(keys.add(Key::of_secret("hs", std::string(32, 's'))).has_value());
    EXPECT_TRUE(keys.add(*Key::generate("rs", Algorithm::kRs256)).has_value());
    EXPECT_TRUE(keys.add(*Key::generate("es", Algorithm::kEs256)).has_value());
    EXPECT_TRUE(keys.add(*Key::generate("ed", Algorithm::kEdDsa)).has_value());
    return keys;
  }();
  return kKeys;
}

/// Signs any header and any claims with `key`.
inline std::string sign_token(std::string_view header, std::string_view claims, const Key& key) {
  const std::string message = base64url(header) + '.' + base64url(claims);
  return message + '.' + base64url(*key.sign(message));
}

/// The claims of a viewer of account a1, with `more` behind them.
inline std::string viewer_claims(std::string_view more = "") {
  return R"({"iss":"playhead","aud":"playhead","exp":1800000100,"kind":"viewer","account":"a1")" +
         std::string(more) + '}';
}

}  // namespace playhead
