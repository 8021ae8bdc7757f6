// The certificate that a listener shows, and what TLS may be here: 1.2 and 1.3, forward secret and
// authenticated ciphers only, HTTP/1.1 above it, no tickets, no renegotiation, no compression.
//
// Operation: open() reads chain and key; refresh() reads them anew once one of the files has
//   changed. A connection keeps the certificate that it began with.
// No tickets: the key that opens them would open what was recorded for as long as it lives, and
//   all threads (one day nodes) would have to change it together. Players keep their connections,
//   so handshakes are rare.
// Concurrency: open() and refresh() from one thread, the rest from any.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "auth/openssl.h"
#include "base/result.h"
#include "base/time.h"
#include "http/options.h"
#include "runtime/file_stamp.h"

namespace playhead {

using SslContext = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslSession = std::unique_ptr<SSL, Deleter<SSL_free>>;

class TlsContext {
 public:
  /// Reads `tls_certificate` and `tls_key`. Errors: invalid_argument: one of them can't be used;
  /// the detail says which, and what to do.
  static Result<std::unique_ptr<TlsContext>> open(const HttpOptions& options);

  /// Blocks for a look at the files. True: new connections get another certificate now. Errors:
  /// those of open(); said once a change, and the certificate stays as it was.
  Result<bool> refresh();

  /// The server's side of a new connection, without its socket. Null: there is no memory.
  SslSession make_session() const;

  /// When the certificate ends.
  Instant expires_at() const { return {expires_at_ms_.load(std::memory_order_relaxed)}; }
  std::uint64_t reloads() const { return reloads_.load(std::memory_order_relaxed); }
  std::uint64_t reload_errors() const { return reload_errors_.load(std::memory_order_relaxed); }

 private:
  explicit TlsContext(const HttpOptions& options)
      : certificate_(options.tls_certificate), key_(options.tls_key) {}
  Result<void> load();

  std::string certificate_, key_;
  FileStamp certificate_stamp_, key_stamp_;
  mutable std::mutex mutex_;
  SslContext context_;  ///< guarded by `mutex_`
  std::atomic<std::int64_t> expires_at_ms_ = 0;
  std::atomic<std::uint64_t> reloads_ = 0, reload_errors_ = 0;
};

}  // namespace playhead
