// One key, and the one algorithm it is for: which that is follows from the key, never from a token.
// OpenSSL is kept to key.cc and jwk.cc.
//
// Concurrency: const calls from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct evp_pkey_st;

namespace playhead {

/// What tokens may be signed with. Source: RFC 7518, 3.1; RFC 8037, 3.1.
enum class Algorithm : std::uint8_t {
  kHs256,  ///< a secret that both sides know
  kRs256,  ///< RSA of 2,048 to 8,192 bits
  kEs256,  ///< the curve P-256
  kEdDsa,  ///< the curve Ed25519
};

std::string_view name_of(Algorithm algorithm);
std::optional<Algorithm> algorithm_of(std::string_view name);

class Key {
 public:
  static constexpr std::size_t kSecretBytesMin = 32;  ///< RFC 7518, 3.2
  static constexpr std::size_t kSecretBytesMax = 1024;

  /// For HS256. `secret` has kSecretBytesMin to kSecretBytesMax bytes.
  static Key of_secret(std::string id, std::string secret);
  /// For the others; `pair` is of the algorithm's kind. `is_private`: it can sign.
  static Key of_pair(std::string id, Algorithm algorithm, std::shared_ptr<evp_pkey_st> pair,
                     bool is_private);
  /// A new one from the machine's randomness. Errors: unavailable.
  static Result<Key> generate(std::string id, Algorithm algorithm);

  const std::string& id() const { return id_; }
  Algorithm algorithm() const { return algorithm_; }
  bool can_sign() const { return is_private_; }
  const std::string& secret() const { return secret_; }  ///< empty but for HS256
  evp_pkey_st* pair() const { return pair_.get(); }      ///< null for HS256

  /// Is `signature`, in JOSE's form, that of `message` by this key? False for whatever is no
  /// signature.
  bool verify(std::string_view message, std::string_view signature) const;
  /// Errors: invalid_argument (only the public part is here), unavailable.
  Result<std::string> sign(std::string_view message) const;

 private:
  Key(std::string id, Algorithm algorithm) : id_(std::move(id)), algorithm_(algorithm) {}

  std::string id_;
  Algorithm algorithm_;
  std::string secret_;
  std::shared_ptr<evp_pkey_st> pair_;
  bool is_private_ = false;
};

}  // namespace playhead
