// Tokens: what they say, and whether it may be believed. JSON Web Tokens in the compact form, each
// signed by one of the keys we know. Source: RFC 7519, RFC 7515, RFC 8725 (best practices). Pure.
//
// Invariants:
//  1. The algorithm is the key's; a token only agrees with it or is refused.
//  2. Nothing a token says is looked at before its signature, but which key it names.
//  3. What is said of a refused token holds nothing of it.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "auth/caller.h"
#include "auth/jwk.h"
#include "base/time.h"

namespace playhead {

/// Who a token is for.
enum class TokenKind : std::uint8_t {
  kViewer,    ///< one account, perhaps one profile
  kService,   ///< any account of its tenant
  kOperator,  ///< the cluster and its figures, nobody's viewing
};

std::string_view name_of(TokenKind kind);
std::optional<TokenKind> token_kind_of(std::string_view name);

/// What a token says, under the names of its claims.
struct Claims {
  TokenKind kind = TokenKind::kViewer;   ///< "kind"
  std::string tenant = "_";              ///< "tenant", absent: "_"
  std::optional<std::string> account;    ///< "account": a viewer's, always
  std::optional<std::string> profile;    ///< "profile": a viewer's, perhaps
  std::optional<unsigned> stream_limit;  ///< "stream_limit", from 1; absent: the server's own
  bool may_delete = false;               ///< "delete": a viewer may delete from history
  Instant expires_at;                    ///< "exp"
};

/// Who a token must be from and for.
struct TokenRules {
  std::string issuer;    ///< "iss"
  std::string audience;  ///< "aud", or one of its list
};

/// True for 1 to 256 visible characters but `"` and `\`: what stands in JSON as it is.
bool is_token_name(std::string_view text);

/// Why a token is not believed.
enum class TokenFault : std::uint8_t {
  kAbsent,
  kTwice,      ///< in the header and in the query, or repeated
  kMalformed,  ///< no token of the compact form, or of another type
  kUnknownKey,
  kAlgorithm,  ///< not the one of its key
  kCritical,   ///< it wants what we don't know
  kSignature,
  kClaims,  ///< signed, but it makes no sense
  kIssuer,
  kAudience,
  kExpired,
  kTooEarly,
};

/// What is told the caller.
std::string_view describe(TokenFault fault);

inline constexpr std::size_t kTokenBytesMax = 4'096;
inline constexpr Millis kTokenLeewayMs = 60'000;  ///< for clocks that differ, at "exp" and "nbf"

/// The claims of `token`, if all of it holds at `now`.
std::expected<Claims, TokenFault> check_token(std::string_view token, const KeySet& keys,
                                              const TokenRules& rules, Instant now);

/// A token that says `claims`, from `now` on. Errors: those of Key::sign().
Result<std::string> mint_token(const Claims& claims, const TokenRules& rules, const Key& key,
                               Instant now);

/// The caller that `claims` make. `stream_limit`: where they name none; 0: any number.
Caller caller_of(const Claims& claims, unsigned stream_limit);

}  // namespace playhead
