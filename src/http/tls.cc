// OpenSSL's context: made once for each pair of files, shared by the connections that began with
// it.
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string_view>

#include "base/assert.h"

namespace playhead {
namespace {

// ECDHE, and ciphers that authenticate what they encrypt; of TLS 1.3 all are.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// 112 bits: RSA of 2048 bits, SHA-2. Debian's default, set here so that no other holds.
constexpr int kSecurityLevel = 2;

// RFC 7301's list: each name behind its length.
constexpr std::string_view kHttp11 = "\x08http/1.1";

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* in, unsigned in_length, void*) {
  unsigned char* chosen = nullptr;
  const int found = ::SSL_select_next_proto(&chosen, out_length, bytes_of(kHttp11), kHttp11.size(),
                                            in, in_length);
  *out = chosen;
  // Who can't speak HTTP/1.1 takes us for somebody else: say so before he talks.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Nobody is there to type one.
int no_passphrase(char*, int, int, void*) { return -1; }

SslContext empty_context() {
  SslContext made(::SSL_CTX_new(::TLS_server_method()));
  SSL_CTX* context = made.get();
  PLAYHEAD_ASSERT(context != nullptr);
  ::SSL_CTX_set_security_level(context, kSecurityLevel);
  const bool set = ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                   ::SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                   ::SSL_CTX_set_cipher_list(context, kCiphers12) == 1 &&
                   ::SSL_CTX_set_ciphersuites(context, kCiphers13) == 1 &&
                   ::SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
                   ::SSL_CTX_set_num_tickets(context, 0) == 1;
  PLAYHEAD_ASSERT(set);
  // A phone without AES in hardware gets ChaCha20 if it asks for it first. An end without a
  // close_notify is an end like any other: it is Content-Length that tells a whole request.
  ::SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // A connection that waits holds no buffers; one read takes as many records as have come.
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_read_ahead(context, 1);
  ::SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  return made;
}

std::string last_reason() {
  const char* reason = ::ERR_reason_error_string(::ERR_peek_last_error());
  return reason != nullptr ? reason : "it can't be read";
}

std::unexpected<Error> wrong(std::string_view option, const std::string& path,
                             const std::string& why, std::string_view advice) {
  ::ERR_clear_error();
  return fail(Errc::kInvalidArgument, "http." + std::string(option) + ": '" + path +
                                          "' can't be used (" + why + "): " + std::string(advice));
}

/// Why `path` can't be read; empty if it can.
std::string unreadable(const std::string& path) {
  errno = 0;
  const std::ifstream file(path, std::ios::binary);
  if (file) return {};
  return errno != 0 ? std::strerror(errno) : "it can't be opened";
}

Result<Instant> end_of(const SSL_CTX* context) {
  std::tm parts{};
  const X509* certificate = ::SSL_CTX_get0_certificate(context);
  if (certificate == nullptr || ::ASN1_TIME_to_tm(::X509_get0_notAfter(certificate), &parts) != 1)
    return fail(Errc::kInvalidArgument, "its end is no time");
  return Instant{std::int64_t{::timegm(&parts)} * 1'000};
}

Result<SslContext> read_context(const std::string& certificate, const std::string& key) {
  constexpr std::string_view kCertificateAdvice =
      "expected a PEM file with the server's certificate first and those that vouch for it behind, "
      "readable for the server";
  constexpr std::string_view kKeyAdvice =
      "expected a PEM file with the certificate's private key, without a passphrase, readable for "
      "the server";
  SslContext made = empty_context();
  if (const auto why = unreadable(certificate); !why.empty())
    return wrong("tls_certificate", certificate, why, kCertificateAdvice);
  if (const auto why = unreadable(key); !why.empty()) return wrong("tls_key", key, why, kKeyAdvice);
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(made.get(), certificate.c_str()) != 1)
    return wrong("tls_certificate", certificate, last_reason(), kCertificateAdvice);
  if (::SSL_CTX_use_PrivateKey_file(made.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long error = ::ERR_peek_last_error();
    const bool other = ERR_GET_LIB(error) == ERR_LIB_X509 &&
                       (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
                        ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
    if (!other) return wrong("tls_key", key, last_reason(), kKeyAdvice);
    return wrong("tls_key", key, "it is not the key of the certificate in '" + certificate + "'",
                 "give the two that were made for each other");
  }
  return made;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::open(const HttpOptions& options) {
  std::unique_ptr<TlsContext> made(new TlsContext(options));
  if (auto loaded = made->load(); !loaded) return std::unexpected(loaded.error());
  return made;
}

Result<void> TlsContext::load() {
  certificate_stamp_ = stamp_of(certificate_);
  key_stamp_ = stamp_of(key_);
  auto read = read_context(certificate_, key_);
  if (!read) return std::unexpected(read.error());
  const auto end = end_of(read->get());
  if (!end) return wrong("tls_certificate", certificate_, end.error().detail, "have it made anew");
  expires_at_ms_ = end->ms;
  std::scoped_lock lock(mutex_);
  context_ = *std::move(read);
  return {};
}

Result<bool> TlsContext::refresh() {
  if (stamp_of(certificate_) == certificate_stamp_ && stamp_of(key_) == key_stamp_) return false;
  if (auto loaded = load(); !loaded) {
    ++reload_errors_;
    return std::unexpected(loaded.error());
  }
  ++reloads_;
  return true;
}

SslSession TlsContext::make_session() const {
  std::scoped_lock lock(mutex_);
  SslSession session(::SSL_new(context_.get()));
  if (session) ::SSL_set_accept_state(session.get());
  return session;
}

}  // namespace playhead
