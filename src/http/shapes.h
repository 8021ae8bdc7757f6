// The service's answers as JSON. Shapes: api/openapi.yaml. Pure.
#pragma once

#include <string>
#include <string_view>

#include "auth/caller.h"
#include "http/json_out.h"
#include "http/reply.h"
#include "service/answers.h"

namespace playhead {

/// One of the account's viewers; what the caller may not see of it is left out.
void write_viewer(JsonOut& json, const ViewerItem& item, const Caller& caller);
/// The members of a viewer without its braces.
void write_viewer_members(JsonOut& json, const ViewerItem& item, const Caller& caller);
/// Whole views, with how they ended.
void write_view(JsonOut& json, const Answer<ViewItem>& answer, const Caller& caller);
/// The members of one title's progress without its braces.
void write_progress_members(JsonOut& json, const ProgressItem& item);
/// The members of an entry of history without its braces.
void write_history_members(JsonOut& json, const HistoryItem& item);
void write_history_item(JsonOut& json, const HistoryItem& item);
/// "as_of" and "stale".
template <typename T>
void write_freshness(JsonOut& json, const Answer<T>& answer) {
  json.field("as_of", answer.as_of).field("stale", answer.stale);
}

/// {"items": [...], "next", "as_of", "stale"}. `write` writes one item. An empty `next` is null.
template <typename T, typename Items, typename Write>
Reply list_reply(const Answer<T>& answer, const Items& items, std::string_view next,
                 Write&& write) {
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{').key("items").open('[');
  for (const auto& item : items) write(json, item);
  json.close(']').text_or_null("next", next);
  write_freshness(json, answer);
  json.close('}');
  return reply;
}

}  // namespace playhead
