// The fold of one report into one view. Every field is a minimum, a maximum, an "or", or a register
// decided by Order: that is what makes the result independent of the order of arrival.
#include "viewing/view.h"

#include <algorithm>

#include "base/assert.h"

namespace playhead {
namespace {

EndReason reason_of(State state) {
  switch (state) {
    case State::kCompleted:
      return EndReason::kCompleted;
    case State::kFailed:
      return EndReason::kFailed;
    default:
      return EndReason::kStopped;
  }
}

// Sets `field` if `order` is later than the register's. True if it was.
template <typename T>
bool assign_if_later(Order& register_order, T& field, const Order& order, const T& value) {
  if (order <= register_order) return false;
  register_order = order;
  field = value;
  return true;
}

void fold_state(View& view, const Stamped& report) {
  if (report.state == State::kKeep) return;
  assign_if_later(view.state_order, view.state, report.order, report.state);
  if (is_ending(report.state))
    assign_if_later(view.ended_order, view.end_reason, report.order, reason_of(report.state));
  if (is_opening(report.state))
    assign_if_later(view.opened_order, view.opened_by_start, report.order,
                    report.state == State::kStarting);
  view.completed = view.completed || report.state == State::kCompleted;
}

void fold_position(View& view, const Stamped& report) {
  const bool has_playhead = report.playhead.has_value() && report.state != State::kAd;
  if (report.still && has_playhead)
    assign_if_later(view.still_order, view.still, report.order, *report.playhead);
  if (report.still) return;
  if (has_playhead)
    assign_if_later(view.position_order, view.playhead, report.order, *report.playhead);
  // A report without a playhead never moves one; `completed` is a movement of its own.
  const bool completed = report.state == State::kCompleted;
  if (!is_moving(report.state) || (!has_playhead && !completed)) return;
  view.moved = std::max(view.moved, report.order.at);
  if (completed) view.completed_at = std::max(view.completed_at, report.order.at);
}

void fold_facts(View& view, const Stamped& report) {
  view.start = std::min(view.start, report.started_at.value_or(report.order.at));
  if (report.duration) {
    assign_if_later(view.duration_order, view.duration, report.order, *report.duration);
    view.shortest =
        view.shortest == 0 ? *report.duration : std::min(view.shortest, *report.duration);
  }
  if (report.credits)
    assign_if_later(view.credits_order, view.credits, report.order, *report.credits);
  if (report.watched) view.watched = std::max(view.watched, *report.watched);
}

void fold_played(View& view, const Stamped& report) {
  if (report.state != State::kPlaying) return;
  if (!report.playhead) {
    view.bare_first = std::min(view.bare_first, report.order.at);
    view.bare_last = std::max(view.bare_last, report.order.at);
    return;
  }
  view.played.add(report.order.at, *report.playhead);
  if (report.beyond) view.beyond.add(report.order.at, *report.playhead);
}

}  // namespace

std::string_view name_of(EndReason reason) {
  switch (reason) {
    case EndReason::kNone:
      return "";
    case EndReason::kStopped:
      return "stopped";
    case EndReason::kCompleted:
      return "completed";
    case EndReason::kFailed:
      return "failed";
    case EndReason::kExpired:
      return "expired";
    case EndReason::kReplaced:
      return "replaced";
    case EndReason::kTerminated:
      return "terminated";
  }
  return "";
}

void Stretch::add(Instant at, Playhead playhead) {
  first = std::min(first, at);
  last = std::max(last, at);
  low = std::min(low, playhead);
  high = std::max(high, playhead);
}

Millis Stretch::span() const { return high < 0 ? 0 : std::min(last - first, high - low); }

EndReason View::reason() const {
  if (terminated()) return EndReason::kTerminated;
  return ended() ? end_reason : EndReason::kNone;
}

Millis View::played_ms() const {
  const Millis bare = bare_last > bare_first ? bare_last - bare_first : 0;
  return std::max({watched, played.span(), bare});
}

std::optional<Playhead> finish_line(Millis duration, Millis credits, const Rules& rules) {
  if (credits > 0) return credits;
  if (duration > 0) return percent_of(duration, rules.finish_percent);
  return std::nullopt;
}

Millis enough_to_qualify(const View& view, const Rules& rules) {
  // Rounded up, so that something must be played of the shortest title there is.
  const Millis half = view.shortest > 0 ? (view.shortest + 1) / 2 : rules.qualify_ms;
  return std::min(rules.qualify_ms, half);
}

bool has_qualified(const View& view, const Trail* trail, const Rules& rules) {
  const Millis enough = enough_to_qualify(view, rules);
  if (view.completed || view.watched >= enough) return true;
  return trail != nullptr && trail->evidence() >= enough;
}

bool crossed_finish(const View& view, const Rules& rules) {
  return view.completed || view.beyond.span() >= rules.finish_span_ms;
}

Transition apply(View& view, Trail* trail, const Stamped& report, const Rules& rules) {
  Transition out;
  if (view.terminated() && report.order.at > view.terminated_at) {
    out.refused = true;
    return out;
  }
  // The latest report moves the cursor at least; only for others is the whole view compared.
  const bool latest = report.order > view.cursor;
  std::optional<View> before;
  if (!latest) before = view;
  fold_facts(view, report);
  fold_state(view, report);
  fold_position(view, report);
  fold_played(view, report);
  const bool traced = !view.qualified() && trail != nullptr && trail->add(report);
  view.cursor = std::max(view.cursor, report.order);
  if (!view.qualified() && has_qualified(view, trail, rules)) {
    view.qualified_at = report.order.at;
    out.just_qualified = true;
  }
  // Live views have no end to reach. A seek or an unqualified view finishes nothing.
  if (!view.finished() && view.qualified() && view.kind != Kind::kLive &&
      crossed_finish(view, rules)) {
    view.finished_at = report.order.at;
    out.just_finished = true;
  }
  out.changed = latest || traced || view != *before;
  return out;
}

bool end_view(View& view, EndReason reason, Instant at) {
  const View before = view;
  if (reason == EndReason::kTerminated) {
    view.terminated_at = view.terminated() ? std::min(view.terminated_at, at) : at;
  } else {
    PLAYHEAD_ASSERT(reason == EndReason::kReplaced);
    // Later than every report of the same millisecond: they had all been folded before it.
    const Order order{.at = at, .sequence = ~0u, .digest = ~0u};
    assign_if_later(view.ended_order, view.end_reason, order, reason);
  }
  return view != before;
}

}  // namespace playhead
