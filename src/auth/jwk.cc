// JSON to OpenSSL's keys and back, by parameters: no ASN.1 of our own.
#include "auth/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>
#include <vector>

#include "auth/base64url.h"
#include "auth/openssl.h"
#include "ingest/json_body.h"

namespace playhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kIdBytes = 256;       // of a "kid"
constexpr std::size_t kEcNumberBytes = 32;  // of P-256 and Ed25519
constexpr std::size_t kRsaBitsMin = 2'048;
constexpr std::size_t kRsaBytesMax = 1'024;  // 8,192 bits: larger ones cost too much to check with
constexpr std::size_t kExponentBytesMax = 4;

using Number = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using Pair = std::shared_ptr<EVP_PKEY>;

/// A JSON name of a number, and OpenSSL's.
using Names = std::pair<const char*, const char*>;
constexpr std::array<Names, 8> kRsaNames = {
    Names{"n", OSSL_PKEY_PARAM_RSA_N},          Names{"e", OSSL_PKEY_PARAM_RSA_E},
    Names{"d", OSSL_PKEY_PARAM_RSA_D},          Names{"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    Names{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    Names{"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    Names{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, Names{"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
constexpr std::size_t kRsaPublicNames = 2;

std::string raw_of(const EVP_PKEY* pair, bool is_private) {
  std::string bytes(kEcNumberBytes, '\0');
  std::size_t length = bytes.size();
  auto* at = reinterpret_cast<unsigned char*>(bytes.data());
  const int done = is_private ? ::EVP_PKEY_get_raw_private_key(pair, at, &length)
                              : ::EVP_PKEY_get_raw_public_key(pair, at, &length);
  return done == 1 ? bytes : std::string();
}

std::string_view text_of(const object& json, std::string_view name) {
  std::string_view text;
  return json[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

/// The bytes of a member; empty if it is absent or is no base64url.
std::string bytes_in(const object& json, std::string_view name) {
  return base64url_decode(text_of(json, name)).value_or("");
}

bool is_key_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytes && std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
}

/// Parameters on their way to a key. The numbers must outlive the builder's use.
struct Parts {
  Builder builder{::OSSL_PARAM_BLD_new()};
  std::vector<Number> numbers;

  void add(const char* name, std::string_view bytes) {
    numbers.emplace_back(::BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
    ::OSSL_PARAM_BLD_push_BN(builder.get(), name, numbers.back().get());
  }
};

/// Null if OpenSSL finds the parts wrong.
Pair pair_of(const char* type, Parts& parts, bool is_private) {
  const Parameters parameters(::OSSL_PARAM_BLD_to_param(parts.builder.get()));
  const Context context(::EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* pair = nullptr;
  if (!parameters || !context || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
      ::EVP_PKEY_fromdata(context.get(), &pair, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          parameters.get()) != 1)
    return nullptr;
  Pair made(pair, ::EVP_PKEY_free);
  const Context checker(::EVP_PKEY_CTX_new_from_pkey(nullptr, pair, nullptr));
  if (!checker || ::EVP_PKEY_public_check(checker.get()) != 1) return nullptr;
  if (is_private && ::EVP_PKEY_pairwise_check(checker.get()) != 1) return nullptr;
  return made;
}

Pair rsa_of(const object& json, bool is_private) {
  Parts parts;
  std::size_t names = is_private ? kRsaNames.size() : kRsaPublicNames;
  for (const auto& [name, parameter] : std::span(kRsaNames).first(names)) {
    const std::string bytes = bytes_in(json, name);
    const std::size_t most = std::string_view(name) == "e" ? kExponentBytesMax : kRsaBytesMax;
    if (bytes.empty() || bytes.size() > most) return nullptr;
    parts.add(parameter, bytes);
  }
  Pair pair = pair_of("RSA", parts, is_private);
  const bool strong = pair && ::EVP_PKEY_get_bits(pair.get()) >= static_cast<int>(kRsaBitsMin);
  return strong ? pair : nullptr;
}

Pair ec_of(const object& json, bool is_private) {
  const std::string x = bytes_in(json, "x"), y = bytes_in(json, "y"), d = bytes_in(json, "d");
  if (x.size() != kEcNumberBytes || y.size() != kEcNumberBytes) return nullptr;
  if (is_private && d.size() != kEcNumberBytes) return nullptr;
  const std::string point = "\x04" + x + y;
  Parts parts;
  ::OSSL_PARAM_BLD_push_utf8_string(parts.builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  ::OSSL_PARAM_BLD_push_octet_string(parts.builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                     point.size());
  if (is_private) parts.add(OSSL_PKEY_PARAM_PRIV_KEY, d);
  return pair_of("EC", parts, is_private);
}

Pair ed25519_of(const object& json, bool is_private) {
  const std::string x = bytes_in(json, "x"), d = bytes_in(json, "d");
  if (x.size() != kEcNumberBytes || (is_private && d.size() != kEcNumberBytes)) return nullptr;
  Pair pair(is_private
                ? ::EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(d), d.size())
                : ::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()),
            ::EVP_PKEY_free);
  return pair && raw_of(pair.get(), false) == x ? pair : nullptr;
}

/// The algorithm that a key's kind is for; nothing: not one of ours.
std::optional<Algorithm> algorithm_of_kind(const object& json) {
  const std::string_view type = text_of(json, "kty"), curve = text_of(json, "crv");
  if (type == "oct") return Algorithm::kHs256;
  if (type == "RSA") return Algorithm::kRs256;
  if (type == "EC" && curve == "P-256") return Algorithm::kEs256;
  if (type == "OKP" && curve == "Ed25519") return Algorithm::kEdDsa;
  return std::nullopt;
}

bool is_ours(const object& json, Algorithm algorithm) {
  const std::string_view use = text_of(json, "use"), named = text_of(json, "alg");
  return (use.empty() || use == "sig") && (named.empty() || named == name_of(algorithm));
}

Result<void> add_key(const element& value, KeySet& keys) {
  object json;
  if (value.get(json) != simdjson::SUCCESS)
    return fail(Errc::kInvalidArgument, "a key is no JSON object");
  if (text_of(json, "kty").empty())
    return fail(Errc::kInvalidArgument, "a key has no \"kty\", which says what it is");
  const auto algorithm = algorithm_of_kind(json);
  if (!algorithm || !is_ours(json, *algorithm)) return {};
  const std::string_view id = text_of(json, "kid");
  if (!is_key_id(id))
    return fail(Errc::kInvalidArgument,
                "a key has no \"kid\" of 1 to 256 visible characters, which tokens name it by");
  const auto broken = [&](std::string_view why) {
    return fail(Errc::kInvalidArgument, "the key '" + std::string(id) + "' " + std::string(why));
  };
  if (algorithm == Algorithm::kHs256) {
    std::string secret = bytes_in(json, "k");
    if (secret.size() < Key::kSecretBytesMin || secret.size() > Key::kSecretBytesMax)
      return broken("needs a secret \"k\" of 32 to 1024 bytes in base64url");
    return keys.add(Key::of_secret(std::string(id), std::move(secret)));
  }
  const bool is_private = !text_of(json, "d").empty();
  Pair pair = algorithm == Algorithm::kRs256   ? rsa_of(json, is_private)
              : algorithm == Algorithm::kEs256 ? ec_of(json, is_private)
                                               : ed25519_of(json, is_private);
  if (!pair)
    return broken(algorithm == Algorithm::kRs256 ? "is no RSA key of 2048 to 8192 bits"
                                                 : "is no point of its curve");
  return keys.add(Key::of_pair(std::string(id), *algorithm, std::move(pair), is_private));
}

// ---- Out ----------------------------------------------------------------------------------------

std::string number_of(const Key& key, const char* parameter, std::size_t bytes) {
  BIGNUM* number = nullptr;
  if (::EVP_PKEY_get_bn_param(key.pair(), parameter, &number) != 1) return {};
  const Number owned(number);
  std::string text(std::max(bytes, static_cast<std::size_t>(BN_num_bytes(number))), '\0');
  ::BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()),
                 static_cast<int>(text.size()));
  return text;
}

std::string jwk_of(const Key& key, bool with_private) {
  std::string out = R"({"kid":")" + key.id() + R"(","alg":")" +
                    std::string(name_of(key.algorithm())) + R"(","use":"sig")";
  const auto text = [&](std::string_view name, std::string_view value) {
    (((out += ",\"") += name) += "\":\"") += value;
    out += '"';
  };
  const auto bytes = [&](std::string_view name, std::string_view value) {
    text(name, base64url(value));
  };
  const bool is_private = with_private && key.can_sign();
  switch (key.algorithm()) {
    case Algorithm::kHs256:
      text("kty", "oct");
      bytes("k", key.secret());
      break;
    case Algorithm::kRs256:
      text("kty", "RSA");
      for (const auto& [name, parameter] :
           std::span(kRsaNames).first(is_private ? kRsaNames.size() : kRsaPublicNames))
        bytes(name, number_of(key, parameter, 1));
      break;
    case Algorithm::kEs256:
      text("kty", "EC");
      text("crv", "P-256");
      bytes("x", number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, kEcNumberBytes));
      bytes("y", number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, kEcNumberBytes));
      if (is_private) bytes("d", number_of(key, OSSL_PKEY_PARAM_PRIV_KEY, kEcNumberBytes));
      break;
    case Algorithm::kEdDsa:
      text("kty", "OKP");
      text("crv", "Ed25519");
      bytes("x", raw_of(key.pair(), false));
      if (is_private) bytes("d", raw_of(key.pair(), true));
      break;
  }
  return out + '}';
}

}  // namespace

Result<void> KeySet::add(Key key) {
  if (keys_.size() >= kKeysMax)
    return fail(Errc::kInvalidArgument,
                "there are more than " + std::to_string(kKeysMax) + " keys");
  std::string id = key.id();
  if (!keys_.emplace(id, std::move(key)).second)
    return fail(Errc::kInvalidArgument, "two keys have the id '" + id + "'");
  return {};
}

const Key* KeySet::find(std::string_view id) const {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

Result<void> add_jwk(std::string_view json, KeySet& keys) {
  JsonBody body;
  const auto root = body.parse(body.hold(json));
  if (!root) return fail(Errc::kInvalidArgument, "a key " + root.error().detail);
  return add_key(*root, keys);
}

Result<void> add_jwks(std::string_view json, KeySet& keys) {
  JsonBody body;
  const auto root = body.parse(body.hold(json));
  if (!root) return fail(Errc::kInvalidArgument, "the key set " + root.error().detail);
  simdjson::dom::array list;
  if ((*root)["keys"].get(list) != simdjson::SUCCESS)
    return fail(Errc::kInvalidArgument, "the key set has no list of \"keys\"");
  const std::size_t before = keys.all().size();
  for (const element& value : list)
    if (auto added = add_key(value, keys); !added) return added;
  if (keys.all().size() == before)
    return fail(Errc::kInvalidArgument,
                "the key set holds no key for HS256, RS256, ES256 or EdDSA");
  return {};
}

Result<void> add_jwks_file(const std::string& path, KeySet& keys) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kJwksBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad())
    return fail(Errc::kNotFound, "can't read the key set '" + path + "'");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kJwksBytesMax)
    return fail(Errc::kInvalidArgument, path + ": a key set has at most 1 MiB");
  auto added = add_jwks(text, keys);
  if (!added) return fail(added.error().code, path + ": " + added.error().detail);
  return {};
}

Result<KeySet> read_keys(const AuthOptions& options) {
  KeySet keys;
  for (const std::string& json : options.keys)
    if (auto added = add_jwk(json, keys); !added)
      return fail(added.error().code, "auth.keys: " + added.error().detail);
  if (!options.keys_file.empty())
    if (auto added = add_jwks_file(options.keys_file, keys); !added)
      return std::unexpected(added.error());
  if (keys.all().empty())
    return fail(Errc::kInvalidArgument,
                "auth.keys: none of the keys is for HS256, RS256, ES256 or EdDSA");
  return keys;
}

std::string jwks_of(const KeySet& keys, bool with_private) {
  std::string out = "{\"keys\": [";
  bool first = true;
  for (const auto& [id, key] : keys.all()) {
    if (key.algorithm() == Algorithm::kHs256 && !with_private) continue;
    out += std::exchange(first, false) ? "\n  " : ",\n  ";
    out += jwk_of(key, with_private);
  }
  return out + "\n]}\n";
}

}  // namespace playhead
