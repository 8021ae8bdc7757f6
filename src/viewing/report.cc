// Names of states, and clock offsets.
#include "viewing/report.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace playhead {
namespace {

constexpr std::array<std::string_view, 10> kStateNames = {
    "starting", "playing", "paused",    "seeking", "rebuffering",
    "ad",       "stopped", "completed", "failed",  "starting"};

constexpr Millis kClockOffsetMin = 60'000;

}  // namespace

std::string_view name_of(State state) { return kStateNames[static_cast<std::size_t>(state)]; }

std::string_view name_of(Kind kind) { return kind == Kind::kLive ? "live" : "on_demand"; }

std::optional<State> state_from(std::string_view name) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(State::kKeep); ++i)
    if (kStateNames[i] == name) return static_cast<State>(i);
  return std::nullopt;
}

std::optional<Kind> kind_from(std::string_view name) {
  if (name == "on_demand") return Kind::kOnDemand;
  if (name == "live") return Kind::kLive;
  return std::nullopt;
}

Millis clock_offset(std::optional<Instant> sent_at, Instant arrival) {
  if (!sent_at) return 0;
  const Millis off = arrival - *sent_at;
  return std::abs(off) > kClockOffsetMin ? off : 0;
}

}  // namespace playhead
