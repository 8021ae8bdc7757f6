// Field by field. Texts that a report may leave out are null where they are absent.
#include "http/shapes.h"

namespace playhead {

void write_viewer_members(JsonOut& json, const ViewerItem& item, const Caller& caller) {
  if (sees_redacted(caller, item.profile)) {
    json.text_or_null("device", item.device).field("state", name_of(item.state));
    return;
  }
  json.field("view", item.view)
      .field("profile", item.profile)
      .field("title", item.title)
      .text_or_null("series", item.series)
      .text_or_null("device", item.device)
      .text_or_null("device_type", item.device_type)
      .field("kind", name_of(item.kind))
      .field("state", name_of(item.state))
      .field("playhead_ms", item.playhead)
      .field("duration_ms", item.duration)
      .field("started_at", item.started_at)
      .field("at", item.at);
}

void write_viewer(JsonOut& json, const ViewerItem& item, const Caller& caller) {
  json.open('{');
  write_viewer_members(json, item, caller);
  json.close('}');
}

void write_view(JsonOut& json, const Answer<ViewItem>& answer, const Caller& caller) {
  const ViewItem& view = answer.value;
  json.open('{');
  write_viewer_members(json, view.item, caller);
  json.field("active", view.active);
  if (!sees_redacted(caller, view.item.profile)) {
    json.field("ended_at", view.ended_at)
        .text_or_null("end_reason", name_of(view.end_reason))
        .text_or_null("ended_by", view.ended_by);
  }
  write_freshness(json, answer);
  json.close('}');
}

void write_progress_members(JsonOut& json, const ProgressItem& item) {
  json.field("title", item.title)
      .text_or_null("series", item.series)
      .field("playhead_ms", item.playhead)
      .field("duration_ms", item.duration)
      .field("finished", item.finished)
      .field("watched", item.watched)
      .field("watched_at", item.watched_at)
      .field("hidden", item.hidden)
      .text_or_null("view", item.view)
      .text_or_null("device", item.device)
      .field("at", item.at);
}

void write_history_members(JsonOut& json, const HistoryItem& item) {
  json.field("id", item.id)
      .field("view", item.view)
      .field("title", item.title)
      .text_or_null("series", item.series)
      .text_or_null("device", item.device)
      .text_or_null("device_type", item.device_type)
      .field("kind", name_of(item.kind))
      .field("started_at", item.started_at)
      .field("ended_at", item.ended_at)
      .text_or_null("end_reason", name_of(item.end_reason))
      .field("at", item.at)
      .field("playhead_ms", item.playhead)
      .field("duration_ms", item.duration)
      .field("watched_ms", item.watched_ms)
      .field("finished", item.finished)
      .field("origin", item.origin);
}

void write_history_item(JsonOut& json, const HistoryItem& item) {
  json.open('{');
  write_history_members(json, item);
  json.close('}');
}

}  // namespace playhead
