// Whose tokens are believed, and what callers may do where no token says so. Loaded and
// range-checked by config/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace playhead {

struct AuthOptions {
  std::vector<std::string> keys;      ///< each a key as JSON (JWK); secret
  std::string keys_file;              ///< a key set (JWKS), read anew when it changes; empty: none
  std::string issuer = "playhead";    ///< "iss" of every token
  std::string audience = "playhead";  ///< "aud" of every token, or one of them
  std::uint32_t token_cache_max = 100'000;  ///< tokens that are not verified anew at each request
  std::uint32_t token_requests_per_s_max = 0;  ///< with one token; above: 429; 0: any number
  std::uint32_t account_requests_per_s_max =
      200;                    ///< with viewers' tokens of one account; likewise
  unsigned stream_limit = 4;  ///< views at a time that PUT allows an account; 0: any number

  /// True if tokens are wanted.
  bool has_keys() const { return !keys.empty() || !keys_file.empty(); }
};

}  // namespace playhead
