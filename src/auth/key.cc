// Signing and verifying by OpenSSL's EVP.
#include "auth/key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>

#include "auth/openssl.h"
#include "base/assert.h"

namespace playhead {
namespace {

constexpr std::array<std::string_view, 4> kAlgorithms = {"HS256", "RS256", "ES256", "EdDSA"};
constexpr std::size_t kHashBytes = 32;
constexpr int kCoordinateBytes = 32;  // of P-256
constexpr std::size_t kEcBytes = 64;  // JOSE's form: r and s
constexpr unsigned kRsaBits = 2'048;  // of new keys

using Context = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

std::string hmac(std::string_view secret, std::string_view message) {
  std::string code(kHashBytes, '\0');
  unsigned length = 0;
  const auto* done = ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                            bytes_of(message), message.size(), bytes_of(code), &length);
  PLAYHEAD_ASSERT(done != nullptr && length == kHashBytes);
  return code;
}

/// OpenSSL speaks DER, JOSE the two numbers side by side. Empty: it is no signature.
std::string der_of(std::string_view signature) {
  if (signature.size() != kEcBytes) return {};
  EcSignature numbers(::ECDSA_SIG_new());
  BIGNUM* r = ::BN_bin2bn(bytes_of(signature), kCoordinateBytes, nullptr);
  BIGNUM* s = ::BN_bin2bn(bytes_of(signature) + kCoordinateBytes, kCoordinateBytes, nullptr);
  PLAYHEAD_ASSERT(numbers && r != nullptr && s != nullptr);
  ::ECDSA_SIG_set0(numbers.get(), r, s);
  unsigned char* der = nullptr;
  const int length = ::i2d_ECDSA_SIG(numbers.get(), &der);
  PLAYHEAD_ASSERT(length > 0);
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  ::OPENSSL_free(der);
  return text;
}

std::string jose_of(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  EcSignature numbers(::d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  PLAYHEAD_ASSERT(numbers);
  std::string text(kEcBytes, '\0');
  ::BN_bn2binpad(::ECDSA_SIG_get0_r(numbers.get()), bytes_of(text), kCoordinateBytes);
  ::BN_bn2binpad(::ECDSA_SIG_get0_s(numbers.get()), bytes_of(text) + kCoordinateBytes,
                 kCoordinateBytes);
  return text;
}

/// Ed25519 hashes by itself.
const EVP_MD* digest_of(Algorithm algorithm) {
  return algorithm == Algorithm::kEdDsa ? nullptr : ::EVP_sha256();
}

std::unexpected<Error> no_signature() {
  return fail(Errc::kUnavailable, "the key can't sign: OpenSSL refuses it");
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
  for (const Algorithm one :
       {Algorithm::kHs256, Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa})
    if (name == name_of(one)) return one;
  return std::nullopt;
}

Key Key::of_secret(std::string id, std::string secret) {
  PLAYHEAD_ASSERT(secret.size() >= kSecretBytesMin && secret.size() <= kSecretBytesMax);
  Key key(std::move(id), Algorithm::kHs256);
  key.secret_ = std::move(secret);
  key.is_private_ = true;
  return key;
}

Key Key::of_pair(std::string id, Algorithm algorithm, std::shared_ptr<evp_pkey_st> pair,
                 bool is_private) {
  PLAYHEAD_ASSERT(algorithm != Algorithm::kHs256 && pair != nullptr);
  Key key(std::move(id), algorithm);
  key.pair_ = std::move(pair);
  key.is_private_ = is_private;
  return key;
}

Result<Key> Key::generate(std::string id, Algorithm algorithm) {
  EVP_PKEY* pair = nullptr;
  switch (algorithm) {
    case Algorithm::kHs256: {
      std::string secret(kSecretBytesMin, '\0');
      if (::RAND_bytes(bytes_of(secret), static_cast<int>(secret.size())) != 1)
        return fail(Errc::kUnavailable, "the machine gives no random bytes");
      return of_secret(std::move(id), std::move(secret));
    }
    case Algorithm::kRs256:
      pair = ::EVP_RSA_gen(kRsaBits);
      break;
    case Algorithm::kEs256:
      pair = ::EVP_EC_gen("P-256");
      break;
    case Algorithm::kEdDsa:
      pair = ::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
  }
  if (pair == nullptr) return fail(Errc::kUnavailable, "OpenSSL makes no such key");
  return of_pair(std::move(id), algorithm, {pair, ::EVP_PKEY_free}, true);
}

bool Key::verify(std::string_view message, std::string_view signature) const {
  if (algorithm_ == Algorithm::kHs256) {
    if (signature.size() != kHashBytes) return false;
    const std::string expected = hmac(secret_, message);
    return ::CRYPTO_memcmp(expected.data(), signature.data(), kHashBytes) == 0;
  }
  std::string der;
  if (algorithm_ == Algorithm::kEs256) {
    der = der_of(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const Context context(::EVP_MD_CTX_new());
  return context &&
         ::EVP_DigestVerifyInit(context.get(), nullptr, digest_of(algorithm_), nullptr, pair()) ==
             1 &&
         ::EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message),
                            message.size()) == 1;
}

Result<std::string> Key::sign(std::string_view message) const {
  if (!is_private_)
    return fail(Errc::kInvalidArgument,
                "the key '" + id_ + "' is a public one, which can check tokens but sign none");
  if (algorithm_ == Algorithm::kHs256) return hmac(secret_, message);
  const Context context(::EVP_MD_CTX_new());
  std::size_t length = 0;
  if (!context ||
      ::EVP_DigestSignInit(context.get(), nullptr, digest_of(algorithm_), nullptr, pair()) != 1 ||
      ::EVP_DigestSign(context.get(), nullptr, &length, bytes_of(message), message.size()) != 1)
    return no_signature();
  std::string signature(length, '\0');
  if (::EVP_DigestSign(context.get(), bytes_of(signature), &length, bytes_of(message),
                       message.size()) != 1)
    return no_signature();
  signature.resize(length);
  return algorithm_ == Algorithm::kEs256 ? jose_of(signature) : signature;
}

}  // namespace playhead
