// How an operating error travels: a value, never an exception. Bugs assert instead (assert.h).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace playhead {

/// What a caller can do about a failure. One value per distinct reaction, never per call site.
/// The numbers are part of the API ("code" in a problem body): append, never renumber.
enum class Errc : std::uint16_t {
  kInvalidArgument = 1,  ///< the input can never succeed; do not retry
  kNotFound = 2,         ///< no such thing, or not this caller's
  kLimitReached = 3,     ///< the account already plays on as many devices as it may
  kNotOwner = 4,         ///< this node does not hold the slot's lease; retry at the owner
  kOverloaded = 5,       ///< a named limit was reached; retry after backing off
  kUnavailable = 6,      ///< a store or peer did not answer in time; a retry may succeed
  kCorrupt = 7,          ///< stored bytes failed their checksum; page someone
  kTerminated = 8,       ///< the view was ended from elsewhere; stop playing
  kConflict = 9,         ///< the report contradicts the view's identity; do not retry
  kUnprocessable = 10,   ///< well-formed, but out of the range that is kept; do not retry
  kErased = 11,          ///< it tells of what was erased; forget it
};

/// An operating error. `detail` is for logs and problem bodies: lower case, no full stop, names
/// the operand, holds no secret.
struct [[nodiscard]] Error {
  Errc code;
  std::string detail;
};

template <typename T>
using Result = std::expected<T, Error>;

/// Shorthand for `return fail(Errc::kNotFound, "view v1")`.
inline std::unexpected<Error> fail(Errc code, std::string detail) {
  return std::unexpected(Error{code, std::move(detail)});
}

}  // namespace playhead
