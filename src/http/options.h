// The numbers HTTP goes by. Loaded and range-checked by config/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

struct HttpOptions {
  std::string listen = "127.0.0.1:8080";       ///< HOST:PORT to serve on; port 0 takes a free one
  std::string admin_listen;                    ///< HOST:PORT for /livez, /readyz, /metrics, /docs,
                                               ///< /v1/cluster and /v1/backups; empty: `listen`
  std::string tls_certificate;                 ///< PEM, with its chain; read anew when it changes
  std::string tls_key;                         ///< PEM; both or neither: no TLS
  std::vector<std::string> cors_origins;       ///< web origins whose pages may call; "*": all
  std::string demo_dir;                        ///< titles for the console to play; empty: none
  std::uint32_t header_bytes_max = 16 * 1024;  ///< of a request's header section; above: 431
  std::uint32_t target_bytes_max = 8 * 1024;   ///< of a request's target; above: 414
  std::uint32_t body_bytes_max = 1024 * 1024;  ///< of a request's body; above: 413, unread
  std::uint32_t pipeline_max = 64;             ///< requests of a connection applied at once
  std::uint32_t connections_max = 100'000;     ///< of one thread; above: 503
  std::uint32_t answer_bytes_max = 64 * 1024;  ///< answers gathered before they are written
  Millis handshake_timeout_ms = 10'000;        ///< from a connection's begin until TLS stands
  Millis header_timeout_ms = 14'000;           ///< from a request's first byte to its last header
  Millis body_timeout_ms = 14'000;             ///< from there to the body's last byte; then: 408
  Millis idle_timeout_ms = 75'000;             ///< of a connection without a request
  Millis write_timeout_ms = 10'000;            ///< for a reader to take an answer or an event
  Millis stop_timeout_ms = 10'000;             ///< for requests to finish when the server stops
  Millis stream_comment_interval_ms = 15'000;  ///< of a silent stream, so that it stays open

  bool has_tls() const { return !tls_certificate.empty() || !tls_key.empty(); }
};

/// Where to listen.
struct ListenAddress {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
};

/// Reads HOST:PORT or [V6]:PORT. Errors: invalid_argument, which says what is expected.
Result<ListenAddress> parse_listen(const std::string& text);

}  // namespace playhead
