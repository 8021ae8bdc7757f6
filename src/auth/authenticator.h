// The port that turns what a request shows into a Caller. Adapters: OpenLoopback,
// TokenAuthenticator.
//
// Concurrency: every call from any thread, but refresh().
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "auth/caller.h"
#include "auth/options.h"
#include "base/result.h"

namespace playhead {

/// What a request shows of its sender. Borrowed; absent fields are empty.
struct Credentials {
  std::string_view authorization;  ///< the header, whole
  std::string_view query;          ///< the target's, where the route takes a token there
  std::string_view host;           ///< the Host header
  std::string_view origin;         ///< the Origin header: a page in a browser asks
  bool origin_allowed = false;     ///< the origin is one of `cors_origins`
};

/// Why nobody could be made of it.
struct Refusal {
  enum class Kind : std::uint8_t {
    kUnknown,    ///< no valid token: 401
    kForbidden,  ///< not from there: 403
    kTooMany,    ///< it asks too often: 429
  } kind = Kind::kUnknown;
  std::string detail;  ///< holds no secret
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual std::expected<std::shared_ptr<const Caller>, Refusal> authenticate(
      const Credentials& credentials) const = 0;
  /// True if strangers are kept out; false: the server may listen on loopback only.
  virtual bool guards() const = 0;
  /// Looks whether what it goes by has changed; blocks. From one thread, now and then. True: it
  /// has. Errors: it has, and can't be used; it goes on by what it had.
  virtual Result<bool> refresh() { return false; }
  /// Changes whenever refresh() finds other keys. A caller of another generation
  /// (Caller::generation) may not be one any more.
  virtual std::uint64_t generation() const { return 0; }
};

/// Without keys: whoever reaches loopback may do everything. A page of another site that a browser
/// on this machine shows reaches it too, and is refused: by plain cross-site requests it gives
/// itself away by its Origin, by a name of its own that leads here (DNS rebinding) by its Host.
class OpenLoopback final : public Authenticator {
 public:
  explicit OpenLoopback(const AuthOptions& options);
  std::expected<std::shared_ptr<const Caller>, Refusal> authenticate(
      const Credentials& credentials) const override;
  bool guards() const override { return false; }

 private:
  Caller caller_;
};

/// May the server listen on `host`? Without keys only loopback is safe.
/// Errors: invalid_argument, which says what to do.
Result<void> check_listen(const Authenticator& authenticator, std::string_view host);

/// True for 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(std::string_view host);

}  // namespace playhead
