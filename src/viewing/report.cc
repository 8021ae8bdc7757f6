// Names of states, and the stamping of effective times.
#include "viewing/report.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/hash.h"

namespace playhead {
namespace {

constexpr std::array<std::string_view, 10> kStateNames = {
    "starting", "playing", "paused",    "seeking", "rebuffering",
    "ad",       "stopped", "completed", "failed",  "starting"};

constexpr Millis kClockOffsetMin = 60'000;

// The digest covers what a repeat would repeat: not `sent_at`, which is stamped anew at each try.
std::uint32_t digest_of(const Report& report) {
  const std::array<std::int64_t, 7> content = {
      report.at.ms,
      static_cast<std::int64_t>(report.state),
      report.playhead.value_or(-1),
      report.duration.value_or(-1),
      report.credits.value_or(-1),
      report.watched.value_or(-1),
      report.sequence,
  };
  return static_cast<std::uint32_t>(
      hash_bytes({reinterpret_cast<const char*>(content.data()), sizeof content}));
}

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

Stamped stamp(const Report& report, Millis offset, Instant arrival, Millis known_duration,
              bool* playhead_dropped) {
  Stamped out;
  out.order.at = std::min(report.at + offset, arrival);
  out.order.sequence = report.sequence;
  out.order.digest = digest_of(report);
  out.state = report.state;
  if (report.started_at) out.started_at = std::min(*report.started_at + offset, out.order.at);
  if (report.duration && *report.duration > 0) out.duration = report.duration;
  if (report.credits && *report.credits > 0) out.credits = report.credits;
  out.watched = report.watched;
  if (report.kind != Kind::kLive) out.playhead = report.playhead;
  const Millis duration = out.duration.value_or(known_duration);
  const bool beyond = out.playhead && duration > 0 && *out.playhead > duration;
  if (beyond) out.playhead.reset();
  if (playhead_dropped != nullptr) *playhead_dropped = beyond;
  return out;
}

}  // namespace playhead
