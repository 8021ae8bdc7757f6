// Header, signature, claims, in this order. Members that we know stand at most once.
#include "auth/token.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "auth/base64url.h"
#include "base/ids.h"
#include "ingest/json_body.h"

namespace playhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kNameBytesMax = 256;
constexpr std::int64_t kStreamLimitMax = 10'000;
constexpr double kSecondsMax = 253'402'300'799.0;  // the year 9999

/// A token cut at its dots, still encoded.
struct Parts {
  std::string_view header, claims, signature;
  std::string_view signed_part;  ///< what the signature is of
};

std::optional<Parts> cut(std::string_view token) {
  if (token.size() > kTokenBytesMax) return std::nullopt;
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{.header = token.substr(0, first),
               .claims = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .signed_part = token.substr(0, second)};
}

/// A JSON object whose members are asked for by name.
class Members {
 public:
  /// `json` is the object's text. Check `valid()` before anything else.
  explicit Members(const std::string& json) {
    const auto root = body_.parse(body_.hold(json));
    valid_ = root && root->get(object_) == simdjson::SUCCESS;
  }

  bool valid() const { return valid_; }

  /// The member, or nothing. One that is repeated makes the whole invalid: parties that read the
  /// first and parties that read the last would see different tokens.
  std::optional<element> get(std::string_view name) {
    std::optional<element> found;
    for (const auto& [key, value] : object_) {
      if (key != name) continue;
      if (found) valid_ = false;
      found = value;
    }
    return found;
  }

  /// Each of these: nothing if absent; if it is something else, the whole is invalid.
  std::optional<std::string> text(std::string_view name) { return as<std::string_view>(name); }
  std::optional<bool> flag(std::string_view name) { return as<bool>(name); }
  std::optional<std::int64_t> integer(std::string_view name) { return as<std::int64_t>(name); }

  std::optional<std::string> id(std::string_view name) {
    auto found = text(name);
    if (found && !is_id(*found)) valid_ = false;
    return found;
  }

  /// Seconds since 1970, perhaps with a fraction, which is cut.
  std::optional<Instant> time(std::string_view name) {
    const auto seconds = as<double>(name);
    if (!seconds) return std::nullopt;
    if (!(*seconds >= 0 && *seconds <= kSecondsMax)) {
      valid_ = false;
      return std::nullopt;
    }
    return Instant{static_cast<std::int64_t>(std::floor(*seconds)) * 1000};
  }

 private:
  /// What is kept of a value: texts are copied, for the next document takes their place.
  template <typename Value>
  using Held = std::conditional_t<std::is_same_v<Value, std::string_view>, std::string, Value>;

  template <typename Value>
  std::optional<Held<Value>> as(std::string_view name) {
    std::optional<Held<Value>> held;
    if (const auto found = get(name)) {
      Value value{};
      if (found->get(value) == simdjson::SUCCESS)
        held = Held<Value>(value);
      else
        valid_ = false;
    }
    return held;
  }

  JsonBody body_;
  object object_;
  bool valid_ = false;
};

bool is_token_type(std::string_view type) {
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return lower == "jwt" || lower == "at+jwt" || lower == "application/at+jwt";
}

/// The key that the header names, if its algorithm is the header's.
std::expected<const Key*, TokenFault> key_for(std::string_view encoded, const KeySet& keys) {
  const auto json = base64url_decode(encoded);
  if (!json) return std::unexpected(TokenFault::kMalformed);
  Members header(*json);
  if (!header.valid()) return std::unexpected(TokenFault::kMalformed);
  const auto algorithm = header.text("alg"), id = header.text("kid"), type = header.text("typ");
  const bool critical = header.get("crit").has_value();
  if (!header.valid() || !algorithm || (type && !is_token_type(*type)))
    return std::unexpected(TokenFault::kMalformed);
  if (critical) return std::unexpected(TokenFault::kCritical);
  const Key* key = id ? keys.find(*id) : nullptr;
  if (key == nullptr) return std::unexpected(TokenFault::kUnknownKey);
  if (*algorithm != name_of(key->algorithm())) return std::unexpected(TokenFault::kAlgorithm);
  return key;
}

bool is_for(const element& audience, std::string_view wanted) {
  std::string_view text;
  if (audience.get(text) == simdjson::SUCCESS) return text == wanted;
  simdjson::dom::array list;
  if (audience.get(list) != simdjson::SUCCESS) return false;
  return std::ranges::any_of(list, [&](const element& one) {
    std::string_view name;
    return one.get(name) == simdjson::SUCCESS && name == wanted;
  });
}

/// Do the claims fit the kind? A token that says too much was made by mistake.
bool fits_kind(const Claims& claims) {
  switch (claims.kind) {
    case TokenKind::kViewer:
      return claims.account.has_value();
    case TokenKind::kService:
      return !claims.account && !claims.profile && !claims.may_delete;
    case TokenKind::kOperator:
      return !claims.account && !claims.profile && !claims.may_delete && !claims.stream_limit;
  }
  return false;
}

std::expected<Claims, TokenFault> read_claims(const std::string& json, const TokenRules& rules,
                                              Instant now) {
  Members members(json);
  if (!members.valid()) return std::unexpected(TokenFault::kClaims);
  Claims claims;
  const auto issuer = members.text("iss"), kind = members.text("kind");
  const auto audience = members.get("aud");
  const auto expires_at = members.time("exp"), begins_at = members.time("nbf");
  claims.tenant = members.id("tenant").value_or("_");
  claims.account = members.id("account");
  claims.profile = members.id("profile");
  const auto stream_limit = members.integer("stream_limit");
  claims.may_delete = members.flag("delete").value_or(false);
  if (!members.valid()) return std::unexpected(TokenFault::kClaims);

  if (issuer != rules.issuer) return std::unexpected(TokenFault::kIssuer);
  if (!audience || !is_for(*audience, rules.audience))
    return std::unexpected(TokenFault::kAudience);
  if (!expires_at) return std::unexpected(TokenFault::kClaims);
  if (now >= *expires_at + kTokenLeewayMs) return std::unexpected(TokenFault::kExpired);
  if (begins_at && now < *begins_at - kTokenLeewayMs) return std::unexpected(TokenFault::kTooEarly);

  const auto known = token_kind_of(kind.value_or(""));
  if (!known) return std::unexpected(TokenFault::kClaims);
  claims.kind = *known;
  if (stream_limit) {
    if (*stream_limit < 1 || *stream_limit > kStreamLimitMax)
      return std::unexpected(TokenFault::kClaims);
    claims.stream_limit = static_cast<unsigned>(*stream_limit);
  }
  claims.expires_at = *expires_at;
  if (!fits_kind(claims)) return std::unexpected(TokenFault::kClaims);
  return claims;
}

constexpr std::array<std::string_view, 3> kKinds = {"viewer", "service", "operator"};

}  // namespace

std::string_view name_of(TokenKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::optional<TokenKind> token_kind_of(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<TokenKind>(found - kKinds.begin());
}

bool is_token_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && std::ranges::all_of(text, [](char c) {
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
}

std::string_view describe(TokenFault fault) {
  switch (fault) {
    case TokenFault::kAbsent:
      return "there is no token";
    case TokenFault::kTwice:
      return "there is more than one token";
    case TokenFault::kMalformed:
      return "the token is no signed JSON Web Token";
    case TokenFault::kUnknownKey:
      return "the token names no key that is known here";
    case TokenFault::kAlgorithm:
      return "the token's algorithm is not the one of its key";
    case TokenFault::kCritical:
      return "the token demands an extension that is not known here";
    case TokenFault::kSignature:
      return "the token's signature is wrong";
    case TokenFault::kClaims:
      return "the token's claims make no sense here";
    case TokenFault::kIssuer:
      return "the token is from another issuer";
    case TokenFault::kAudience:
      return "the token is for another audience";
    case TokenFault::kExpired:
      return "the token has expired";
    case TokenFault::kTooEarly:
      return "the token is not valid yet";
  }
  return "";
}

std::expected<Claims, TokenFault> check_token(std::string_view token, const KeySet& keys,
                                              const TokenRules& rules, Instant now) {
  const auto parts = cut(token);
  if (!parts) return std::unexpected(TokenFault::kMalformed);
  const auto key = key_for(parts->header, keys);
  if (!key) return std::unexpected(key.error());
  const auto signature = base64url_decode(parts->signature);
  if (!signature) return std::unexpected(TokenFault::kMalformed);
  if (!(*key)->verify(parts->signed_part, *signature))
    return std::unexpected(TokenFault::kSignature);
  const auto json = base64url_decode(parts->claims);
  if (!json) return std::unexpected(TokenFault::kMalformed);
  return read_claims(*json, rules, now);
}

Result<std::string> mint_token(const Claims& claims, const TokenRules& rules, const Key& key,
                               Instant now) {
  // Ids need no escapes; issuer and audience come from the configuration, which allows none.
  std::string json = R"({"iss":")" + rules.issuer + R"(","aud":")" + rules.audience +
                     R"(","iat":)" + std::to_string(now.ms / 1000) + R"(,"nbf":)" +
                     std::to_string(now.ms / 1000) + R"(,"exp":)" +
                     std::to_string(claims.expires_at.ms / 1000) + R"(,"kind":")" +
                     std::string(name_of(claims.kind)) + R"(","tenant":")" + claims.tenant + '"';
  if (claims.account) json += R"(,"account":")" + *claims.account + '"';
  if (claims.profile) json += R"(,"profile":")" + *claims.profile + '"';
  if (claims.stream_limit) json += R"(,"stream_limit":)" + std::to_string(*claims.stream_limit);
  if (claims.may_delete) json += R"(,"delete":true)";
  json += '}';
  const std::string header = R"({"alg":")" + std::string(name_of(key.algorithm())) +
                             R"(","typ":"JWT","kid":")" + key.id() + R"("})";
  std::string token = base64url(header) + '.' + base64url(json);
  const auto signature = key.sign(token);
  if (!signature) return std::unexpected(signature.error());
  return token + '.' + base64url(*signature);
}

Caller caller_of(const Claims& claims, unsigned stream_limit) {
  Caller caller;
  caller.tenant = claims.tenant;
  caller.account = claims.account;
  caller.profile = claims.profile;
  caller.expires_at = claims.expires_at + kTokenLeewayMs;
  if (claims.stream_limit)
    caller.stream_limit = claims.stream_limit;
  else if (stream_limit > 0)
    caller.stream_limit = stream_limit;
  switch (claims.kind) {
    case TokenKind::kViewer:
      caller.permissions = kViewerPermissions | (claims.may_delete ? kDeletingPermissions : 0);
      break;
    case TokenKind::kService:
      caller.permissions = kMemberPermissions;
      break;
    case TokenKind::kOperator:
      caller.permissions = bit(Permission::kOperate);
      break;
  }
  return caller;
}

}  // namespace playhead
