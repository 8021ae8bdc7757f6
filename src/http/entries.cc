// History of a profile: pages of JSON or CSV, single entries, deletions.
#include "http/cursor.h"
#include "http/handlers.h"
#include "http/history_csv.h"
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

// Pages of CSV go on by the Link header: a table has no place for a cursor.
Task<Reply> csv_reply(Request request, std::vector<HistoryItem> items, std::string next) {
  auto rows = co_await csv_rows(request.worker->service(), request.profile_ref(), std::move(items));
  if (!rows) co_return problem(rows.error());
  Reply reply{.content_type = kCsv, .body = std::string(kCsvHeadings) + *rows};
  if (!next.empty()) reply.headers = next_link(request.query.with("cursor", next));
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
  auto& [items, end, copied_at] = page->value;
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
