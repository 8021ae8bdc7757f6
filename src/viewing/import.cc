// Orders of what is imported have neither sequence nor digest: of equal times a report's own wins.
#include "viewing/import.h"

#include <algorithm>

#include "viewing/title.h"

namespace playhead {
namespace {

// The state that a view ended in.
State state_of(const ImportedView& in) {
  if (in.state) return *in.state;
  switch (in.end_reason) {
    case EndReason::kNone:
    case EndReason::kStopped:
      return State::kStopped;
    case EndReason::kCompleted:
      return State::kCompleted;
    case EndReason::kFailed:
      return State::kFailed;
    default:
      return State::kPlaying;
  }
}

// Without a count of its own no more was played than time went by, or than the playhead has come.
Millis watched_of(const ImportedView& in, Instant at) {
  if (in.watched) return *in.watched;
  if (in.fold) return 0;
  const Millis span = std::max<Millis>(at - in.started_at, 0);
  return in.playhead ? std::min(span, *in.playhead) : span;
}

void set_end(View& view, const ImportedView& in, Instant at) {
  if (in.active || in.end_reason == EndReason::kExpired) return;  // nothing told its end
  const Instant ended = in.ended_at.value_or(at);
  if (in.end_reason == EndReason::kTerminated) {
    view.terminated_at = ended;
    return;
  }
  view.ended_order.at = ended;
  view.end_reason = in.end_reason == EndReason::kNone ? EndReason::kStopped : in.end_reason;
}

void set_lengths(View& view, const ImportedView& in, Instant at) {
  const FoldFacts facts = in.fold.value_or(FoldFacts{});
  if (in.duration) {
    view.duration = *in.duration;
    view.duration_order.at = facts.duration_at.value_or(at);
    view.shortest = facts.shortest.value_or(view.duration);
  }
  if (in.credits) {
    view.credits = *in.credits;
    view.credits_order.at = facts.credits_at.value_or(at);
  }
  if (!in.series.empty() || !in.next_title.empty())
    view.meta_order.at = facts.texts_at.value_or(at);
}

void set_position(View& view, const ImportedView& in, Instant at) {
  const FoldFacts facts = in.fold.value_or(FoldFacts{});
  view.completed = in.end_reason == EndReason::kCompleted || facts.completed_at;
  if (in.playhead)
    view.playhead = *in.playhead;
  else if (view.completed && !in.fold && in.duration && view.kind != Kind::kLive)
    view.playhead = *in.duration;
  if (view.playhead != kNoPlayhead) view.position_order.at = facts.position_at.value_or(at);
  if (in.fold) {
    view.moved = facts.moved_at.value_or(kNever);
    view.completed_at = facts.completed_at.value_or(kNever);
  } else {
    if (view.playhead != kNoPlayhead) view.moved = at;
    if (view.completed) view.completed_at = at;
  }
}

// When it came to count, and when it was finished: as told, or else by the rules.
void set_milestones(View& view, const ImportedView& in, Instant at, const Rules& rules) {
  view.qualified_at = in.qualified_at.value_or(kNever);
  view.finished_at = in.finished_at.value_or(kNever);
  if (in.fold) return;
  const Millis half = view.shortest > 0 ? (view.shortest + 1) / 2 : rules.qualify_ms;
  const Millis enough = std::min(rules.qualify_ms, half);
  if (!view.qualified() && (view.completed || view.finished() || view.watched >= enough))
    view.qualified_at = std::min(at, in.started_at + enough);
  if (view.finished() || !view.qualified() || view.kind == Kind::kLive) return;
  const auto line = finish_line(view.duration, view.credits, rules);
  if (view.completed || (line && view.playhead >= *line)) view.finished_at = at;
}

Flag flag_of(const ImportedFlag& flag) {
  return {.at = flag.at, .act = flag.by_hand, .value = flag.value};
}

Instant latest(std::initializer_list<std::optional<Instant>> moments) {
  Instant out = kNever;
  for (const auto& moment : moments) out = std::max(out, moment.value_or(kNever));
  return out;
}

}  // namespace

Instant last_moment(const ImportedView& in) {
  const FoldFacts facts = in.fold.value_or(FoldFacts{});
  return latest({in.started_at, in.at, in.ended_at, in.qualified_at, in.finished_at,
                 facts.listed_at, facts.moved_at, facts.completed_at, facts.position_at,
                 facts.duration_at, facts.credits_at, facts.texts_at, facts.received_at});
}

Instant last_moment(const ImportedTitle& in) {
  return latest({in.at, in.position_at, in.duration_at, in.credits_at, in.texts_at,
                 in.watched ? std::optional(in.watched->at) : std::nullopt,
                 in.hidden ? std::optional(in.hidden->at) : std::nullopt});
}

View view_of(const ImportedView& in, const Rules& rules) {
  const Instant at = in.at ? *in.at : std::max(in.ended_at.value_or(in.started_at), in.started_at);
  View view;
  view.kind = in.kind;
  view.record = in.record;
  view.deleted = in.deleted;
  view.start = in.started_at;
  view.cursor.at = at;
  view.state = state_of(in);
  view.state_order.at = at;
  view.watched = watched_of(in, at);
  if (in.fold) view.clock_offset = in.fold->clock_offset;
  set_end(view, in, at);
  set_lengths(view, in, at);
  set_position(view, in, at);
  set_milestones(view, in, at, rules);
  return view;
}

TitleState contribution(const ImportedTitle& in) {
  const Instant at = in.at.value_or(kNever);
  TitleState out;
  if (in.playhead)
    out.position = {.moved = at,
                    .act = in.by_hand,
                    .view = std::string(in.view),
                    .cursor = {.at = in.position_at.value_or(in.by_hand ? kNever : at)},
                    .at_end = in.at_end,
                    .cleared = in.cleared,
                    .device = std::string(in.device),
                    .playhead = *in.playhead};
  if (in.watched) out.watched = flag_of(*in.watched);
  if (in.hidden) out.hidden = flag_of(*in.hidden);
  if (!in.series.empty() || !in.next_title.empty()) {
    out.series = in.series;
    out.next_title = in.next_title;
    out.meta_order.at = in.texts_at.value_or(at);
  }
  if (in.duration) {
    out.duration = *in.duration;
    out.duration_order.at = in.duration_at.value_or(at);
  }
  if (in.credits) {
    out.credits = *in.credits;
    out.credits_order.at = in.credits_at.value_or(at);
  }
  out.played_max = in.played.value_or(in.playhead.value_or(0));
  return out;
}

}  // namespace playhead
