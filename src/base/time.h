// Time as the product counts it: integer milliseconds. Two types, so that an offset into a title
// is never taken for a date. Clocks themselves live in runtime/clock.h.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace playhead {

/// A span, or an offset into a title, in milliseconds.
using Millis = std::int64_t;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
struct Instant {
  std::int64_t ms = 0;

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant at, Millis span) { return {at.ms + span}; }
  friend constexpr Instant operator-(Instant at, Millis span) { return {at.ms - span}; }
  friend constexpr Millis operator-(Instant later, Instant earlier) {
    return later.ms - earlier.ms;
  }
};

/// Before every moment a report can carry; "never".
inline constexpr Instant kNever{std::numeric_limits<std::int64_t>::min()};

/// `at` in RFC 3339, UTC, with milliseconds: "2026-11-23T20:15:30.250Z".
/// Years outside 0000 to 9999 are clamped, for RFC 3339 has no others.
std::string format_rfc3339(Instant at);

/// Reads an RFC 3339 date-time with any offset and any number of fraction digits (cut to
/// milliseconds); a leap second counts as the second after it. Nothing if `text` is not one.
std::optional<Instant> parse_rfc3339(std::string_view text);

}  // namespace playhead
