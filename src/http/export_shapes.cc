// Field by field; what has its default is left out.
#include "http/export_shapes.h"

#include <algorithm>

namespace playhead {
namespace {

void put(JsonOut& json, std::string_view name, std::string_view text) {
  if (!text.empty()) json.field(name, text);
}
void put(JsonOut& json, std::string_view name, Instant at) {
  constexpr Instant kNone{std::numeric_limits<std::int64_t>::max()};
  if (at != kNever && at != kNone) json.field(name, at);
}
// A moment that is left out where it is `usual`.
void put_if_other(JsonOut& json, std::string_view name, Instant at, Instant usual) {
  if (at != usual) put(json, name, at);
}
void put_flag(JsonOut& json, std::string_view name, bool flag) {
  if (flag) json.field(name, true);
}

void put_import(JsonOut& json, const Import& import) {
  json.field("origin", import.origin.empty() ? kOwnOrigin : std::string_view(import.origin));
  put(json, "imported_at", import.at);
}

void put_stretch(JsonOut& json, std::string_view name, const Stretch& stretch) {
  if (stretch == Stretch{}) return;
  json.key(name).open('{');
  put(json, "first", stretch.first);
  put(json, "last", stretch.last);
  json.field("low_ms", stretch.low).field("high_ms", stretch.high).close('}');
}

void put_point(JsonOut& json, const Trail::Point& point) {
  json.open('{').field("at", point.order.at).field("state", name_of(point.state));
  if (point.playhead != kNoPlayhead) json.field("playhead_ms", point.playhead);
  json.close('}');
}

// What single reports left behind.
void put_reports(JsonOut& json, const StoredView& stored) {
  const View& view = stored.view;
  json.key("reports").open('{');
  put_stretch(json, "played", view.played);
  put_stretch(json, "beyond", view.beyond);
  put(json, "bare_first", view.bare_first);
  put(json, "bare_last", view.bare_last);
  if (stored.trail) {
    json.key("trail").open('[');
    if (stored.trail->oldest.order != Order{}) put_point(json, stored.trail->oldest);
    for (std::size_t i = 0; i < stored.trail->count; ++i) put_point(json, stored.trail->points[i]);
    json.close(']');
  }
  json.close('}');
}

void put_fold(JsonOut& json, const StoredView& stored) {
  const View& view = stored.view;
  const Instant at = view.cursor.at;
  json.key("fold").open('{');
  put_if_other(json, "listed_at", stored.keyed_start, view.start);
  put(json, "moved_at", view.moved);
  put(json, "completed_at", view.completed_at);
  put_if_other(json, "position_at", view.position_order.at, at);
  put_if_other(json, "duration_at", view.duration_order.at, at);
  put_if_other(json, "credits_at", view.credits_order.at, at);
  put_if_other(json, "texts_at", view.meta_order.at, at);
  put_if_other(json, "received_at", stored.last_arrival, at);
  if (view.shortest != view.duration) json.field("shortest_ms", view.shortest);
  if (view.clock_offset != 0) json.field("clock_offset_ms", view.clock_offset);
  if (stored.interval_ms != 0) json.field("interval_ms", stored.interval_ms);
  put_flag(json, "cmcd", stored.cmcd);
  put_reports(json, stored);
  json.close('}');
}

void put_end(JsonOut& json, const StoredView& stored) {
  const View& view = stored.view;
  if (stored.active) {
    json.field("active", true);
    return;
  }
  const bool told = view.ended();
  put(json, "ended_at",
      view.terminated() ? view.terminated_at
      : told            ? view.ended_order.at
                        : view.cursor.at);
  json.field("end_reason", name_of(told ? view.reason() : EndReason::kExpired));
}

void put_mark(JsonOut& json, std::string_view name, const Flag& flag) {
  if (flag.at == kNever) return;
  json.key(name).open('{').field("value", flag.value).field("at", flag.at);
  put_flag(json, "by_hand", flag.act);
  json.close('}');
}

}  // namespace

void write_export(JsonOut& json, std::string_view account, const StoredView& stored) {
  const Ids ids = stored.ids.get();
  const View& view = stored.view;
  json.open('{').field("type", "view").field("account", account).field("profile", ids.profile);
  json.field("title", ids.title);
  put(json, "series", ids.series);
  put(json, "next_title", ids.next_title);
  json.field("view", ids.view);
  put(json, "device", ids.device);
  put(json, "device_type", ids.device_type);
  put(json, "ended_by", ids.ended_by);
  json.field("kind", name_of(view.kind));
  if (!view.record) json.field("record", false);
  put_flag(json, "deleted", view.deleted);
  json.field("state", name_of(view.state)).field("started_at", view.start);
  json.field("at", view.cursor.at);
  put_end(json, stored);
  if (view.playhead != kNoPlayhead) json.field("playhead_ms", view.playhead);
  if (view.duration > 0) json.field("duration_ms", view.duration);
  if (view.credits > 0) json.field("credits_ms", view.credits);
  json.field("watched_ms", view.played_ms());
  put(json, "qualified_at", view.qualified_at);
  put(json, "finished_at", view.finished_at);
  put_import(json, stored.import.value_or(Import{}));
  put_fold(json, stored);
  json.close('}');
}

void write_export(JsonOut& json, std::string_view account, const TitleRow& row) {
  const TitleState& state = row.state;
  const Position& position = state.position;
  json.open('{').field("type", "title").field("account", account).field("profile", row.profile);
  json.field("title", row.title);
  put(json, "series", state.series);
  put(json, "next_title", state.next_title);
  put(json, "texts_at", state.meta_order.at);
  if (position.moved != kNever) {
    json.field("playhead_ms", std::max<Playhead>(position.playhead, 0)).field("at", position.moved);
    put(json, "view", position.view);
    put(json, "device", position.device);
    put(json, "position_at", position.cursor.at);
    put_flag(json, "by_hand", position.act);
    put_flag(json, "at_end", position.at_end);
    put_flag(json, "cleared", position.cleared);
  }
  put_mark(json, "watched", state.watched);
  put_mark(json, "hidden", state.hidden);
  if (state.duration > 0) json.field("duration_ms", state.duration);
  put(json, "duration_at", state.duration_order.at);
  if (state.credits > 0) json.field("credits_ms", state.credits);
  put(json, "credits_at", state.credits_order.at);
  json.field("watched_ms", state.played_max);
  put_import(json, state.import);
  json.close('}');
}

}  // namespace playhead
