// Who asks, as far as it matters: the tenant, and what the caller is bound to. Immutable once made.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "auth/permission.h"
#include "base/time.h"

namespace playhead {

/// After every moment.
inline constexpr Instant kForEver{std::numeric_limits<std::int64_t>::max()};

struct Caller {
  std::string tenant = "_";
  std::optional<std::string> account;    ///< may act for this account only; absent: for all
  std::optional<std::string> profile;    ///< may act for this profile only; absent: for all
  std::optional<unsigned> stream_limit;  ///< views at a time that PUT allows; absent: any number
  Permissions permissions = 0;
  std::uint64_t token_key = 0;    ///< a hash of its token, to count its requests by
  std::uint64_t account_key = 0;  ///< of its account; 0: not bound to one
  Instant expires_at = kForEver;  ///< from then on it is nobody; what is open ends
  std::uint64_t generation = 0;   ///< of the keys that it was checked with
};

enum class Verdict : std::uint8_t {
  kAllowed,
  kHidden,     ///< as if it did not exist: 404
  kForbidden,  ///< the caller may never do this, to anybody: 403
};

/// May `caller` do this to this account and profile? Empty texts: the route names none.
/// Every handler asks this one function.
Verdict allow(const Caller& caller, Permission permission, std::string_view account = {},
              std::string_view profile = {});

/// True where `caller` may see of `profile`'s views only that they are there.
bool sees_redacted(const Caller& caller, std::string_view profile);

}  // namespace playhead
