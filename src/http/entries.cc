// History of a profile: pages of JSON or CSV, single entries, deletions.
#include <cstdio>
#include <map>

#include "http/cursor.h"
#include "http/handlers.h"
#include "http/problem.h"
#include "http/shapes.h"
#include "http/worker.h"

namespace playhead {
namespace {

Result<HistoryFilter> filter_of(const Query& query) {
  HistoryFilter filter;
  for (const auto& [name, field] :
       {std::pair{"title", &filter.title}, std::pair{"series", &filter.series}}) {
    auto id = query.id(name);
    if (!id) return std::unexpected(id.error());
    *field = (*id).value_or("");
  }
  for (const auto& [name, field] : {std::pair{"from", &filter.from}, std::pair{"to", &filter.to}}) {
    auto time = query.time(name);
    if (!time) return std::unexpected(time.error());
    *field = *time;
  }
  auto all = query.flag("all");
  if (!all) return std::unexpected(all.error());
  filter.all = *all;
  return filter;
}

std::string scope_of(const Request& request, const HistoryFilter& filter) {
  const auto time = [](const std::optional<Instant>& at) {
    return at ? std::to_string(at->ms) : std::string("-");
  };
  return "history " + request.account + " " + request.profile + " " + filter.title + " " +
         filter.series + " " + time(filter.from) + " " + time(filter.to) +
         (filter.all ? " all" : "");
}

// "1:02:03", as Netflix writes spans.
std::string clock_text(Millis span_ms) {
  const std::int64_t s = std::max<Millis>(span_ms, 0) / 1000;
  char text[32];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", static_cast<long long>(s / 3600),
                static_cast<long long>(s / 60 % 60), static_cast<long long>(s % 60));
  return text;
}

// "2026-11-23 20:15:30", UTC.
std::string csv_time(Instant at) {
  std::string text = format_rfc3339(at).substr(0, 19);
  text[10] = ' ';
  return text;
}

/// Where each title of a page stands now, by view: which row holds the latest bookmark.
using Latest = std::map<std::string, std::string>;

// The columns of Netflix's own download. Ids need no quotes: none can hold a comma or a quote.
void write_csv_row(std::string& out, std::string_view profile, const HistoryItem& item,
                   const Latest& latest) {
  const std::string bookmark = item.playhead ? clock_text(*item.playhead) : "";
  const auto found = latest.find(item.title);
  const bool is_latest = found != latest.end() && found->second == item.view;
  ((out += profile) += ',') += csv_time(item.started_at);
  (out += ',') += clock_text(item.watched_ms);
  (out += ",,") += item.title;
  (out += ",,") += item.device_type.empty() ? item.device : item.device_type;
  (out += ',') += bookmark;
  (out += ',') += is_latest ? bookmark : "Not latest view";
  out += ",\r\n";
}

Task<Result<Latest>> latest_of(Service& service, ProfileRef profile,
                               std::vector<std::string> titles) {
  auto progress = co_await service.progress(std::move(profile), std::move(titles));
  if (!progress) co_return std::unexpected(progress.error());
  Latest latest;
  for (ProgressItem& item : progress->value)
    latest.emplace(std::move(item.title), std::move(item.view));
  co_return latest;
}

// Pages of CSV go on by the Link header: a table has no place for a cursor.
Task<Reply> csv_reply(Request request, std::vector<HistoryItem> items, std::string next) {
  std::vector<std::string> titles;
  titles.reserve(items.size());
  for (const HistoryItem& item : items) titles.push_back(item.title);
  auto latest =
      co_await latest_of(request.worker->service(), request.profile_ref(), std::move(titles));
  if (!latest) co_return problem(latest.error());
  Reply reply{.content_type = kCsv};
  reply.body =
      "Profile Name,Start Time,Duration,Attributes,Title,Supplemental Video Type,Device Type,"
      "Bookmark,Latest Bookmark,Country\r\n";
  for (const HistoryItem& item : items) write_csv_row(reply.body, request.profile, item, *latest);
  if (!next.empty())
    reply.headers = "Link: <" + request.query.with("cursor", next) + ">; rel=\"next\"\r\n";
  co_return reply;
}

}  // namespace

Task<Reply> get_history(Request request) {
  auto filter = filter_of(request.query);
  if (!filter) co_return problem(filter.error());
  const auto limit = request.query.limit();
  if (!limit) co_return problem(limit.error());
  auto cursor = request.query.text("cursor");
  if (!cursor) co_return problem(cursor.error());
  const std::string scope = scope_of(request, *filter);
  std::optional<HistoryNext> after;
  if (*cursor) {
    auto key = read_cursor(**cursor, scope);
    if (!key) co_return problem(key.error());
    after = HistoryNext{.keyed_start = key->at, .view = key->id};
  }
  auto page =
      co_await request.worker->service().history(request.profile_ref(), *filter, after, *limit);
  if (!page) co_return problem(page.error());
  auto& [items, end] = page->value;
  const std::string next =
      end ? write_cursor(scope, {.at = end->keyed_start, .id = end->view}) : std::string();
  if (prefers(request.accept, "text/csv", kJson))
    co_return co_await csv_reply(std::move(request), std::move(items), next);
  co_return list_reply(*page, items, next, write_history_item);
}

Task<Reply> get_history_item(Request request) {
  auto item = co_await request.worker->service().history_item(request.profile_ref(), request.name);
  if (!item) co_return problem(item.error());
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{');
  write_history_members(json, item->value);
  write_freshness(json, *item);
  json.close('}');
  co_return reply;
}

Task<Reply> delete_history(Request request) {
  auto filter = filter_of(request.query);
  if (!filter) co_return problem(filter.error());
  auto done =
      co_await request.worker->service().delete_history(request.profile_ref(), *std::move(filter));
  if (!done) co_return problem(done.error());
  co_return Reply{.status = 204};
}

Task<Reply> delete_history_item(Request request) {
  auto done =
      co_await request.worker->service().delete_history_item(request.profile_ref(), request.name);
  if (!done) co_return problem(done.error());
  co_return Reply{.status = 204};
}

}  // namespace playhead
