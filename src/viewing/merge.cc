// Field by field: minimum, maximum, "or", and registers by their order, where the greater value
// decides between equal orders, so that it does not matter which side is which.
#include "viewing/merge.h"

#include <algorithm>

#include "viewing/register.h"

namespace playhead {
namespace {

template <typename T>
void raise(T& mine, const T& other) {
  mine = std::max(mine, other);
}

template <typename T>
void lower(T& mine, const T& other) {
  mine = std::min(mine, other);
}

// The smaller of what is known; `unknown` where neither is.
template <typename T>
T smaller_known(T a, T b, T unknown) {
  if (a == unknown || b == unknown) return std::max(a, b);
  return std::min(a, b);
}

void join(Stretch& mine, const Stretch& other) {
  lower(mine.first, other.first);
  raise(mine.last, other.last);
  lower(mine.low, other.low);
  raise(mine.high, other.high);
}

// What the first report fixed. Before `start` is joined.
void join_first(View& into, const View& from) {
  const auto offset = [](const View& view) {
    return std::tuple(view.start, view.clock_offset == 0, view.clock_offset);
  };
  const auto kind = [](const View& view) {
    return std::tuple(view.start, view.kind != Kind::kLive);
  };
  const auto record = [](const View& view) { return std::tuple(view.start, view.record); };
  const bool its_offset = offset(from) < offset(into), its_kind = kind(from) < kind(into),
             its_record = record(from) < record(into);
  if (its_offset) into.clock_offset = from.clock_offset;
  if (its_kind) into.kind = from.kind;
  if (its_record) into.record = from.record;
}

void join_registers(View& into, const View& from) {
  raise(into.cursor, from.cursor);
  raise(into.meta_order, from.meta_order);
  join_register(into.state_order, into.state, from.state_order, from.state);
  join_register(into.position_order, into.playhead, from.position_order, from.playhead);
  join_register(into.still_order, into.still, from.still_order, from.still);
  join_register(into.ended_order, into.end_reason, from.ended_order, from.end_reason);
  join_register(into.opened_order, into.opened_by_start, from.opened_order, from.opened_by_start);
  join_register(into.duration_order, into.duration, from.duration_order, from.duration);
  join_register(into.credits_order, into.credits, from.credits_order, from.credits);
}

void join_extremes(View& into, const View& from) {
  lower(into.start, from.start);
  into.shortest = smaller_known<Millis>(into.shortest, from.shortest, 0);
  raise(into.moved, from.moved);
  raise(into.completed_at, from.completed_at);
  raise(into.watched, from.watched);
  join(into.played, from.played);
  lower(into.bare_first, from.bare_first);
  raise(into.bare_last, from.bare_last);
  join(into.beyond, from.beyond);
  into.qualified_at = smaller_known(into.qualified_at, from.qualified_at, kNever);
  into.finished_at = smaller_known(into.finished_at, from.finished_at, kNever);
  into.completed = into.completed || from.completed;
}

void join(std::optional<Trail>& into, const std::optional<Trail>& from) {
  if (!from) return;
  if (into)
    into->merge(*from);
  else
    into = from;
}

// The report that made it so is not known any more: the moment that the evidence shows.
Instant qualifying_moment(const View& view, const std::optional<Trail>& trail, const Rules& rules) {
  if (trail)
    if (const auto at = trail->reached_at(enough_to_qualify(view, rules))) return *at;
  const Instant played = std::max({view.played.last, view.bare_last, view.completed_at});
  return played == kNever ? view.cursor.at : played;
}

Instant finishing_moment(const View& view, const Rules& rules) {
  const Instant beyond = view.beyond.span() >= rules.finish_span_ms ? view.beyond.last : kNever;
  const Instant moment = smaller_known(beyond, view.completed_at, kNever);
  return moment == kNever ? view.cursor.at : moment;
}

}  // namespace

bool merge(View& into, std::optional<Trail>& into_trail, const View& from,
           const std::optional<Trail>& from_trail, const Rules& rules) {
  const View before = into;
  const std::optional<Trail> trail_before = into_trail;
  const Instant terminated_at = smaller_known(into.terminated_at, from.terminated_at, kNever);
  if (into.deleted == from.deleted) {
    join_first(into, from);
    join_registers(into, from);
    join_extremes(into, from);
    join(into_trail, from_trail);
  } else if (from.deleted) {
    into = from;
    into_trail = from_trail;
  }
  into.terminated_at = terminated_at;
  const auto is = [&](const View& view, const std::optional<Trail>& trail) {
    return into == view && into_trail == trail;
  };
  // What is as one side was has been judged there, with the rules of its day.
  if (!into.deleted && !is(before, trail_before) && !is(from, from_trail)) {
    const Trail* trail = into_trail ? &*into_trail : nullptr;
    if (!into.qualified() && has_qualified(into, trail, rules))
      into.qualified_at = qualifying_moment(into, into_trail, rules);
    if (!into.finished() && into.qualified() && into.kind != Kind::kLive &&
        crossed_finish(into, rules))
      into.finished_at = finishing_moment(into, rules);
  }
  if (into.qualified()) into_trail.reset();
  return !is(before, trail_before);
}

}  // namespace playhead
