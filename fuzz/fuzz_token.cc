// Tokens and key sets: what is fed is never believed as it is; fed as signed claims it is believed
// only if all of it makes sense; a key set that is taken comes back as it was.
#include "auth/token.h"

#include "auth/base64url.h"
#include "checks.h"

namespace playhead::fuzz {
namespace {

constexpr Instant kNow{1'800'000'000'000};
const TokenRules kRules{.issuer = "playhead", .audience = "playhead"};

const Key& signing_key() {
  static const Key kKey = Key::of_secret("hs", std::string(32, 's'));
  return kKey;
}

const KeySet& keys() {
  static const KeySet kKeys = [] {
    KeySet made;
    PLAYHEAD_ASSERT(made.add(signing_key()).has_value());
    PLAYHEAD_ASSERT(made.add(*Key::generate("es", Algorithm::kEs256)).has_value());
    return made;
  }();
  return kKeys;
}

void check_claims(const Claims& claims) {
  PLAYHEAD_ASSERT(is_id(claims.tenant));
  PLAYHEAD_ASSERT(!claims.account || is_id(*claims.account));
  PLAYHEAD_ASSERT(!claims.profile || is_id(*claims.profile));
  PLAYHEAD_ASSERT(claims.expires_at + kTokenLeewayMs > kNow);
  PLAYHEAD_ASSERT((claims.kind == TokenKind::kViewer) == claims.account.has_value());
  PLAYHEAD_ASSERT(claims.kind == TokenKind::kViewer || (!claims.profile && !claims.may_delete));
  const Caller caller = caller_of(claims, 4);
  const bool operates = (caller.permissions & bit(Permission::kOperate)) != 0;
  PLAYHEAD_ASSERT(operates == (claims.kind == TokenKind::kOperator));
  // What we make of them says the same.
  const auto token = mint_token(claims, kRules, signing_key(), kNow);
  const auto again = check_token(*token, keys(), kRules, kNow);
  PLAYHEAD_ASSERT(again.has_value() && again->account == claims.account &&
                  again->profile == claims.profile && again->tenant == claims.tenant &&
                  again->stream_limit == claims.stream_limit);
}

void read_claims(std::string_view json) {
  if (2 * json.size() > kTokenBytesMax) return;
  static const std::string kHeader = base64url(R"({"alg":"HS256","kid":"hs"})");
  const std::string message = kHeader + '.' + base64url(json);
  const std::string token = message + '.' + base64url(*signing_key().sign(message));
  if (const auto claims = check_token(token, keys(), kRules, kNow)) check_claims(*claims);
}

void read_keys(std::string_view json) {
  KeySet taken, again;
  if (!add_jwks(json, taken)) return;
  const std::string text = jwks_of(taken, true);
  PLAYHEAD_ASSERT(add_jwks(text, again).has_value());
  PLAYHEAD_ASSERT(jwks_of(again, true) == text);
}

}  // namespace
}  // namespace playhead::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace playhead::fuzz;
  const std::string_view text = text_of(data, size);
  PLAYHEAD_ASSERT(!playhead::check_token(text, keys(), kRules, kNow).has_value());
  read_claims(text);
  read_keys(text);
  return 0;
}
