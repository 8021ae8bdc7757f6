// Keys as JSON. Source: RFC 7517 (JWK), RFC 7518, 6; RFC 8037, 2. Pure, but for OpenSSL's tables.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "auth/key.h"
#include "auth/options.h"
#include "base/result.h"

namespace playhead {

/// Keys by their id; each id once. Immutable once made.
class KeySet {
 public:
  static constexpr std::size_t kKeysMax = 100;

  /// Errors: invalid_argument (the id is there already, or there are too many).
  Result<void> add(Key key);
  /// Null if there is none.
  const Key* find(std::string_view id) const;
  const std::map<std::string, Key, std::less<>>& all() const { return keys_; }

 private:
  std::map<std::string, Key, std::less<>> keys_;
};

/// Adds one key, from its JSON. A key for something else than checking our kinds of tokens ("use"
/// is not "sig", another curve, another "alg") is passed over: providers publish those beside ours.
///
/// Errors: invalid_argument (no JSON, no or a bad "kid", a broken, weak or short key). The detail
///   shows nothing of the key but its id.
Result<void> add_jwk(std::string_view json, KeySet& keys);

/// Adds the keys of a key set: {"keys": [...]}. Errors: as above, and if none is ours.
Result<void> add_jwks(std::string_view json, KeySet& keys);

inline constexpr std::size_t kJwksBytesMax = 1 << 20;

/// Reads a file with a key set. Errors: not_found (it can't be read), those of add_jwks().
Result<void> add_jwks_file(const std::string& path, KeySet& keys);

/// All keys that `options` name. Errors: invalid_argument, not_found: a key or the file can't be
/// used, or no key is ours.
Result<KeySet> read_keys(const AuthOptions& options);

/// The key set as JSON, a line a key. `with_private`: what signs is in it too. Secrets have no
/// public part, and are left out without.
std::string jwks_of(const KeySet& keys, bool with_private);

}  // namespace playhead
