// What the tests of TLS share: a certificate for "localhost" that vouches for itself, in files.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "auth/openssl.h"
#include "base/test_directory.h"
#include "http/options.h"

namespace playhead {

class TlsFiles {
 public:
  TlsFiles() {
    options_.tls_certificate = directory_.root() / "certificate.pem";
    options_.tls_key = directory_.root() / "key.pem";
    renew();
  }

  const HttpOptions& options() const { return options_; }

  /// Another certificate and key in their place.
  void renew(long days = 30) {
    constexpr long kDaySeconds = 86'400;
    const Key key(::EVP_EC_gen("P-256"));
    const Certificate made(::X509_new());
    ::X509_set_version(made.get(), 2);  // counted from 0: v3
    ::ASN1_INTEGER_set(::X509_get_serialNumber(made.get()), ++serial_);
    ::X509_NAME* name = ::X509_get_subject_name(made.get());
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, bytes_of(std::string_view("localhost")),
                                 -1, -1, 0);
    // OpenSSL finds by its name who vouches for a certificate: no two are called the same.
    const std::string own = directory_.root().filename().string() + std::to_string(serial_);
    ::X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, bytes_of(std::string_view(own)), -1, -1,
                                 0);
    ::X509_set_issuer_name(made.get(), name);
    ::X509_gmtime_adj(::X509_getm_notBefore(made.get()), -kDaySeconds);
    ::X509_gmtime_adj(::X509_getm_notAfter(made.get()), days * kDaySeconds);
    ::X509_set_pubkey(made.get(), key.get());
    ASSERT_GT(::X509_sign(made.get(), key.get(), ::EVP_sha256()), 0);
    const File certificate_file(::BIO_new_file(options_.tls_certificate.c_str(), "w"));
    const File key_file(::BIO_new_file(options_.tls_key.c_str(), "w"));
    ASSERT_EQ(::PEM_write_bio_X509(certificate_file.get(), made.get()), 1);
    ASSERT_EQ(::PEM_write_bio_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr),
              1);
  }

  void spoil() { std::ofstream(options_.tls_certificate) << "nonsense"; }

 private:
  using File = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
  using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
  using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

  TestDirectory directory_;
  HttpOptions options_;
  long serial_ = 0;
};

}  // namespace playhead
