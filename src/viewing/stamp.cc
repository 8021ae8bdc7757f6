// The one place where arrival decides anything: what the owner fixes before a report is journalled.
#include <algorithm>
#include <array>

#include "base/hash.h"
#include "viewing/view.h"

namespace playhead {
namespace {

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

// True for a report whose playhead tells of no movement; view.h says which those are.
bool stands_still(const View& view, const Stamped& report, Known known) {
  // What others know of a view may have moved: to be sure, it has.
  if (view.moved == kNever && known == Known::kAll) return false;
  switch (report.state) {
    case State::kPlaying:
      return false;
    case State::kStarting:
      return true;
    case State::kSeeking:
    case State::kCompleted: {
      const bool same_place = !report.playhead || *report.playhead == view.playhead;
      // An older one in the same place may be a repeat: it can only have moved less.
      return same_place && (view.state == report.state || report.order <= view.cursor);
    }
    default:
      // Until something plays, seeks or completes, a player that starts has not found its place.
      return view.opened_by_start && report.order > view.opened_order &&
             view.moved <= view.opened_order.at;
  }
}

}  // namespace

Stamped stamp(const Report& report, const View& view, Instant arrival, const Rules& rules,
              bool* playhead_dropped, Known known) {
  Stamped out;
  out.order.at = std::min(report.at + view.clock_offset, arrival);
  out.order.sequence = report.sequence;
  out.order.digest = digest_of(report);
  out.state = report.state;
  if (report.started_at)
    out.started_at = std::min(*report.started_at + view.clock_offset, out.order.at);
  if (report.duration && *report.duration > 0) out.duration = report.duration;
  if (report.credits && *report.credits > 0) out.credits = report.credits;
  out.watched = report.watched;
  if (report.kind != Kind::kLive && view.kind != Kind::kLive) out.playhead = report.playhead;
  const Millis duration = out.duration.value_or(view.duration);
  const bool dropped = out.playhead && duration > 0 && *out.playhead > duration;
  if (dropped) out.playhead.reset();
  if (playhead_dropped != nullptr) *playhead_dropped = dropped;
  if (out.playhead && out.state == State::kPlaying) {
    const auto line = finish_line(duration, out.credits.value_or(view.credits), rules);
    out.beyond = line && *out.playhead >= *line;
  }
  out.still = stands_still(view, out, known);
  return out;
}

}  // namespace playhead
