// A small HTTP/1.1 client for the commands: one connection, kept open, one request at a time.
//
// Operation: https to any server whose certificate the machine's authorities vouch for, or those of
//   the file that the environment's SSL_CERT_FILE names; plain http to this machine only, for a
//   token would cross the network unprotected.
// Concurrency: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

/// Where a server is.
struct ServerUrl {
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  bool secure = false;  ///< https
};

/// Reads http://HOST[:PORT][/], or https. Errors: invalid_argument, which says what is expected.
Result<ServerUrl> parse_server_url(std::string_view url);

struct HttpRequest {
  std::string method = "GET";
  std::string target;  ///< path and query
  std::string content_type;
  std::string body;
  std::string accept = {};  ///< empty: anything
};

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  std::optional<std::uint64_t> accepted;  ///< Playhead-Accepted
  std::optional<Millis> retry_after;      ///< Retry-After
  std::string link;                       ///< Link
};

class Client {
 public:
  struct Limits {
    Millis timeout_ms = 15'000;  ///< for a whole exchange
    std::uint64_t answer_bytes_max = 64ULL << 20;
  };

  /// `token` goes into the Authorization header if it is not empty.
  Client(ServerUrl server, std::string token);
  Client(ServerUrl server, std::string token, Limits limits);
  Client(Client&&) noexcept;
  ~Client();

  /// Sends and waits for the answer, whatever its status. A connection that the server closed while
  /// it was idle is opened anew, and the request sent again: all that the commands send may be
  /// repeated.
  ///
  /// Errors: unavailable (nobody answers, or not in time, or by a certificate that is not to be
  /// trusted), corrupt (the answer is no HTTP).
  Result<HttpAnswer> send(const HttpRequest& request);

  std::string url() const;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

/// The title and detail of a problem body, or its beginning if it is none: for messages.
std::string describe_problem(const HttpAnswer& answer);

}  // namespace playhead
